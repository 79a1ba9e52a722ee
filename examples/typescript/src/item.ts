/** What an item of the table looks like: the Python store in `tap.store` writes and reads the same. */

import { isDeepStrictEqual } from 'node:util';
import { UnreadablePrompt } from './errors.js';

export const PRIORITIES = ['low', 'medium', 'high'] as const;
export const STATUSES = ['pending', 'in_progress', 'completed', 'failed'] as const;
export type Priority = (typeof PRIORITIES)[number];
export type Status = (typeof STATUSES)[number];
export const DEFAULT_MAX_ATTEMPTS = 5;
export const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59, 999); // Python's; other programs' times may be beyond any Date
const FIRST_MOMENT = Date.parse('0001-01-01T00:00:00Z');
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
  extra?: Record<string, Json>; // other programs' attributes, and those above that can't be understood
}

/** As it is in the table: anything, since other programs write there too. NULL is null, a number a double, a set a Set. */
export type Item = Record<string, unknown>;

const REQUIRED = ['id', 'prompt_text', 'task_type', 'status'] as const;

/** False for the ghosts that an update without a condition leaves: an id and a status, and no text. */
export const isPrompt = (item: Item): boolean => REQUIRED.every((name) => typeof item[name] === 'string');

/**
 * How the optional attributes are read, as in tap/store/attributes.py; undefined for what isn't understood. NULL and what
 * isn't understood count as absent: an item made the seed's way lacks much, and other programs' clients write NULL.
 */
const OPTIONAL: Record<string, (value: unknown) => Json | undefined> = {
  priority: text,
  created_at: time,
  updated_at: time,
  ttl: number,
  lease_until: number,
  attempts: count,
  max_attempts: count,
  claim_owner: text,
  claim_token: text,
  update_token: text,
};
const INDEXED = ['claim_queue', 'claim_order', 'claim_rank']; // where the claim index has it: no part of the prompt
const OWN = new Set<string>([...REQUIRED, ...Object.keys(OPTIONAL), 'result', 'result_json', ...INDEXED]);

/** What an optional attribute says. */
export function meaning(item: Item, name: string): Json | undefined {
  return OPTIONAL[name]?.(item[name]);
}

export function toPrompt(item: Item): Prompt {
  if (!isPrompt(item))
    throw new UnreadablePrompt(`the item ${String(item['id'])} is no prompt: it lacks one of ${REQUIRED.join(', ')}`);
  const prompt: Record<string, unknown> = { priority: 'medium', attempts: 0, max_attempts: DEFAULT_MAX_ATTEMPTS };
  for (const name of REQUIRED) prompt[name] = item[name];
  const extra: [string, Json][] = [];
  for (const [name, value] of Object.entries(item)) {
    const said = name in OPTIONAL ? meaning(item, name) : undefined;
    if (said !== undefined) prompt[name] = said;
    else if (!OWN.has(name) || (name in OPTIONAL && value !== null)) extra.push([name, plain(value)]);
  }
  if (item['result'] !== undefined) prompt['result'] = exact(plain(item['result']), item['result_json']);
  if (extra.length > 0) prompt['extra'] = Object.fromEntries(extra);
  return prompt as unknown as Prompt;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' ? Math.floor(value) : undefined;
}

// The same expression as in tap/store/times.py.
const TIME = new RegExp(
  String.raw`^(\d{4}-\d\d-\d\d|\d{8})` +
    String.raw`([T ]([01]\d|2[0-3])(:[0-5]\d(:[0-5]\d([.,]\d+)?)?|[0-5]\d([0-5]\d([.,]\d+)?)?)` +
    String.raw`(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?)?$`,
);

/** ISO 8601, in UTC where it has no zone, as the seed's Python wrote it; undefined for what is no time. */
function time(value: unknown): string | undefined {
  if (typeof value !== 'string' || !TIME.test(value)) return undefined;
  const [, year, month, day] = /^(\d{4})-?(\d\d)-?(\d\d)/.exec(value) ?? [];
  const rest = value.slice(value[4] === '-' ? 11 : 9);
  const [zone = 'Z'] = /(Z|[+-][\d:]+)$/.exec(rest) ?? [];
  const [clock = '', fraction = ''] = rest.replace(zone, '').replaceAll(':', '').split(/[.,]/);
  const [hour, minute, second] = [clock.slice(0, 2) || '00', clock.slice(2, 4) || '00', clock.slice(4) || '00'];
  const [date, offset] = [`${year}-${month}-${day}`, zone === 'Z' ? 'Z' : `${zone.replace(':', '')}00`.slice(0, 5)];
  const at = Date.parse(`${date}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}${offset}`);
  const isDay = new Date(Date.parse(`${date}T00:00:00Z`) || 0).toISOString().startsWith(date); // no 30th of February
  if (!isDay || !(at >= FIRST_MOMENT && at <= LAST_MOMENT)) return undefined;
  return `${date}T${hour}:${minute}:${second}${fraction && `.${fraction}`}${offset}`;
}

/** Other programs' kinds, which JSON lacks, as in tap/store/values.py: sets as sorted lists, bytes as base64. */
function plain(value: unknown): Json {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Set) return (Array.from(value, plain) as string[]).sort((a, b) => (a < b ? -1 : 1));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/**
 * A result that DynamoDB's numbers can't hold has its exact text in result_json, or is itself that text and result_json
 * the number of its bytes (see tap/store/values.py); unless another program replaced the native one and left the copy.
 */
function exact(native: Json, copy: unknown): Json {
  try {
    if (typeof copy === 'number' && typeof native === 'string')
      return Buffer.byteLength(native) === copy ? (JSON.parse(native) as Json) : native;
    const value = JSON.parse(typeof copy === 'string' ? copy : '') as Json;
    return agrees(value, native, 0) ? value : native;
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
export const isLive = ({ ttl }: Item, now = nowSeconds()): boolean => typeof ttl !== 'number' || ttl > now;

/** From when a claim can succeed, in epoch milliseconds: never if finished, or in progress without a (usable) lease. */
export function freeFrom({ status, lease_until }: Item, skewMs: number): number {
  if (status === 'pending') return 0;
  return status === 'in_progress' && typeof lease_until === 'number' ? lease_until + skewMs : Infinity;
}

const RANK: Record<string, number> = { low: 0, high: 2 }; // any other counts as medium

/** Highest priority first, in random order within one priority. */
export function highFirst(items: Item[]): Item[] {
  const rank = (item: Item): number => (RANK[String(item['priority'])] ?? 1) + Math.random();
  return items
    .map((item) => ({ item, rank: rank(item) }))
    .sort((a, b) => b.rank - a.rank)
    .map(({ item }) => item);
}
