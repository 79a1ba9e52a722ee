/** What an item of the table looks like: the Python store in `tap.store` writes and reads the same. */

import { isDeepStrictEqual } from 'node:util';
import { UnreadablePrompt } from './errors.js';

export const PRIORITIES = ['low', 'medium', 'high'] as const;
export const STATUSES = ['pending', 'in_progress', 'completed', 'failed'] as const;
export type Priority = (typeof PRIORITIES)[number];
export type Status = (typeof STATUSES)[number];
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Prompt {
  id: string;
  prompt_text: string;
  task_type: string;
  priority: Priority;
  status: Status;
  result?: Json;
  created_at?: string; // UTC, ISO 8601
  updated_at?: string;
  ttl?: number; // epoch seconds; an item without it never expires
  attempts: number; // how often it was handed out: a fencing number
  max_attempts: number;
  claim_token?: string;
  claim_owner?: string;
  lease_until?: number; // epoch milliseconds
  update_token?: string; // of the last update: how its second try knows the first one's work
}

const REQUIRED = ['id', 'prompt_text', 'task_type', 'status'] as const;

/** Items made the seed's way lack much. `result_json` is the exact text of a result that DynamoDB's numbers can't hold. */
type Stored = Pick<Prompt, (typeof REQUIRED)[number]> & Partial<Prompt> & { result_json?: string };

/** False for the ghosts that an update without a condition leaves: an id and a status, and no text. */
export const isPrompt = (item: Record<string, unknown>): item is Stored & Record<string, unknown> =>
  REQUIRED.every((name) => typeof item[name] === 'string');

export function toPrompt(item: Record<string, unknown>): Prompt {
  if (!isPrompt(item))
    throw new UnreadablePrompt(`the item ${String(item['id'])} is no prompt: it lacks one of ${REQUIRED.join(', ')}`);
  const { result_json, ...stored } = plain(item) as unknown as Stored;
  if (stored.result !== undefined) stored.result = exact(stored.result, result_json);
  if (stored.created_at !== undefined) stored.created_at = zoned(stored.created_at);
  if (stored.updated_at !== undefined) stored.updated_at = zoned(stored.updated_at);
  return { priority: 'medium', attempts: 0, max_attempts: 5, ...stored };
}

/** Other programs' kinds, which JSON lacks, as in tap/store/values.py: sets as sorted lists, bytes as base64. */
function plain(value: unknown): Json {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Set) return (Array.from(value, plain) as string[]).sort((a, b) => (a < b ? -1 : 1));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** The copy's value, unless another program replaced the native one and left the copy: then the native one counts. */
function exact(native: Json, text = ''): Json {
  try {
    const copy = JSON.parse(text) as Json;
    return agrees(copy, native, 0) ? copy : native;
  } catch {
    return native;
  }
}

/** Whether the Python store (tap/store/values.py) would write the copy so, as far as doubles can tell. */
function agrees(copy: Json, native: Json | undefined, level: number): boolean {
  if (typeof native === 'string' && typeof copy !== 'string')
    return !fits(copy, level) && isDeepStrictEqual(JSON.parse(native), copy);
  if (typeof copy !== 'object' || copy === null) return copy === native;
  if (typeof native !== 'object' || native === null || Array.isArray(copy) !== Array.isArray(native)) return false;
  const [ours, theirs] = [new Map(Object.entries(copy)), new Map(Object.entries(native))];
  return ours.size === theirs.size && [...ours].every(([key, value]) => agrees(value, theirs.get(key), level + 1));
}

/** What does not is there as its JSON text: numbers too large or too small, what is nested too deeply, odd keys. */
function fits(value: Json, level: number): boolean {
  if (typeof value === 'number') return value === 0 || (Math.abs(value) >= 1e-130 && Math.abs(value) < 1e37);
  if (typeof value !== 'object' || value === null) return true;
  return level < 30 && (Array.isArray(value) || Object.keys(value).every((key) => key !== '' && key.length <= 16_000));
}

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** DynamoDB deletes an expired item up to two days later: until then readers have to look away. */
export const isLive = ({ ttl }: Prompt, now = nowSeconds()): boolean => typeof ttl !== 'number' || ttl > now;

/** From when a claim can succeed, in epoch milliseconds: never if finished, or in progress without a (usable) lease. */
export function freeFrom({ status, lease_until }: Prompt, skewMs: number): number {
  if (status === 'pending') return 0;
  return status === 'in_progress' && typeof lease_until === 'number' ? lease_until + skewMs : Infinity;
}

/** Highest priority first, in random order within one priority. */
export function highFirst(prompts: Prompt[]): Prompt[] {
  const rank = (prompt: Prompt): number => PRIORITIES.indexOf(prompt.priority) + Math.random();
  return prompts
    .map((prompt) => ({ prompt, rank: rank(prompt) }))
    .sort((a, b) => b.rank - a.rank)
    .map(({ prompt }) => prompt);
}

/** The seed's Python wrote times without a zone: they are read as UTC. */
const zoned = (time: string): string => (/(Z|[+-]\d\d:?\d\d)$/.test(time) ? time : `${time}Z`);
