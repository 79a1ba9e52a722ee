/**
 * The prompt store: the same items as the Python store in `tap.store`.
 *
 * Work is handed out at least once, in no order. A worker that sleeps past its lease may find its prompt with somebody else,
 * and its token then completes nothing. Finding a candidate is a Scan: its price grows with the table.
 * A request whose reply was lost or damaged is sent again; each function knows its own first try by what it wrote.
 */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { InvalidPrompt, LeaseLost, PromptConflict, PromptNotFound, sentence } from './errors.js';
import { freeFrom, highFirst, isLive, nowSeconds, type Json, type Priority, type Prompt, type Status } from './item.js';
import { insert, LIVE, liveAt, read, unfinished, update, type Table } from './table.js';

export {
  InvalidPrompt,
  LeaseLost,
  PromptConflict,
  PromptNotFound,
  StoreMisconfigured,
  StoreUnavailable,
  UnreadablePrompt,
} from './errors.js';
export { PRIORITIES, STATUSES, type Json, type Priority, type Prompt, type Status } from './item.js';
export { getTable, getTableName } from './outputs.js';
export { type Table } from './table.js';

export type ClaimResult =
  | { kind: 'claimed'; prompt: Prompt; token: string }
  | { kind: 'all_leased'; until: Date } // the first lease's end and the margin for skew: a claim before that is in vain
  | { kind: 'nothing_pending' };

export interface NewPrompt {
  id?: string; // the caller's own, to repeat a create safely; otherwise a fresh UUID
  priority?: Priority;
  ttlDays?: number;
}

export async function createPrompt(
  table: Table,
  promptText: string,
  taskType: string,
  options: NewPrompt = {},
): Promise<Prompt> {
  const { id = randomUUID(), priority = 'medium', ttlDays = 30 } = options;
  check('text', promptText);
  check('task type', taskType);
  check('id', id, ID_BYTES);
  const created_at = new Date().toISOString();
  const ttl = nowSeconds() + Math.round(ttlDays * 86_400);
  const item = {
    id,
    prompt_text: promptText,
    task_type: taskType,
    priority,
    status: 'pending',
    created_at,
    updated_at: created_at,
    ttl,
  };
  const prompt = await insert(table, item);
  if (prompt === undefined) throw new PromptConflict(`another prompt has the id ${id}`);
  return prompt;
}

/** undefined when there is none, or when it has expired. */
export async function getPrompt(table: Table, id: string): Promise<Prompt | undefined> {
  check('id', id, ID_BYTES);
  const prompt = await read(table, id);
  return prompt !== undefined && isLive(prompt) ? prompt : undefined;
}

/** Sets the status whoever holds the prompt, and so ends a claim: its token is gone. A result that isn't given stays. */
export async function updatePrompt(table: Table, id: string, status: Status, result?: Json): Promise<Prompt> {
  const token = randomUUID();
  const withResult = result !== undefined;
  check('id', id, ID_BYTES);
  if (withResult) checkResult(result);
  // An update without a condition makes a ghost of an id that isn't there, and a second try would undo a claim made since.
  const notYet = 'attribute_not_exists(#update_token) OR #update_token <> :token';
  const { prompt } = await update(table, id, {
    set: { status, update_token: token, ...(withResult && { result }) },
    remove: withResult ? [...CLAIM, 'result_json'] : CLAIM,
    condition: `${LIVE} AND attribute_exists(#prompt_text) AND attribute_exists(#task_type) AND (${notYet})`,
    values: { ...liveAt(), token },
  });
  if (prompt?.update_token !== token) throw new PromptNotFound(`no prompt has the id ${id}`);
  return prompt;
}

export interface ClaimOptions {
  id?: string; // this prompt or none
  leaseMs?: number;
  skewMs?: number; // how far the workers' clocks may be apart
}

/** Hands one pending prompt, or one whose lease ran out, to this worker and to nobody else. */
export async function claimPrompt(table: Table, worker: string, options: ClaimOptions = {}): Promise<ClaimResult> {
  const { id, leaseMs = 300_000, skewMs = 2_000 } = options;
  check('worker', worker, 256);
  let until = Infinity;
  for await (const batch of id === undefined ? unfinished(table) : justOne(table, id)) {
    for (const candidate of highFirst(batch)) {
      const claim = { token: randomUUID(), worker, leaseMs, skewMs };
      const isFree = freeFrom(candidate, skewMs) < Date.now();
      const prompt = isFree ? await take(table, candidate, claim).catch(passOver(candidate)) : candidate;
      if (prompt?.claim_token === claim.token) return { kind: 'claimed', prompt, token: claim.token };
      if (prompt !== undefined) until = Math.min(until, Math.max(freeFrom(prompt, skewMs), Date.now()));
    }
  }
  if (until === Infinity) return { kind: 'nothing_pending' };
  return { kind: 'all_leased', until: new Date(Math.min(until, LAST_MOMENT)) };
}

/** Finishes a claimed prompt. The item keeps the token: that is how a second try knows the first one's work. */
export async function completePrompt(table: Table, id: string, token: string, result: Json): Promise<Prompt> {
  check('id', id, ID_BYTES);
  check('token', token);
  checkResult(result);
  const now = nowSeconds();
  const { applied, prompt } = await update(table, id, {
    set: { status: 'completed', result },
    remove: ['lease_until', 'result_json'],
    condition: `${LIVE} AND #claim_token = :token AND #status = :in_progress`,
    values: { ...liveAt(now), token, in_progress: 'in_progress' },
  });
  if (prompt !== undefined && applied) return prompt;
  if (prompt === undefined || !isLive(prompt, now)) throw new PromptNotFound(`no prompt has the id ${id}`);
  if (prompt.claim_token === token && prompt.status === 'completed') {
    if (prompt.result !== undefined && isDeepStrictEqual(asJson(prompt.result), asJson(result))) return prompt;
    throw new PromptConflict(`prompt ${id} is already completed, with another result`);
  }
  throw new LeaseLost(`prompt ${id} is no longer yours: it is ${prompt.status}, and not by this claim`);
}

const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59, 999); // Python's; another program's lease may end beyond any Date
const CLAIM = ['claim_token', 'claim_owner', 'lease_until'];

interface Claim {
  token: string;
  worker: string;
  leaseMs: number;
  skewMs: number;
}

/** One conditional write decides who gets the prompt. One that was handed out too often fails instead. */
async function take(table: Table, seen: Prompt, claim: Claim): Promise<Prompt | undefined> {
  const now = Date.now();
  const isFree = '#status = :pending OR (#status = :in_progress AND #lease_until < :ended)';
  const noAttemptSince = 'attribute_not_exists(#attempts) OR #attempts = :seen';
  const condition = `${LIVE} AND (${isFree}) AND (${noAttemptSince})`;
  const values = {
    ...liveAt(),
    pending: 'pending',
    in_progress: 'in_progress',
    ended: now - claim.skewMs,
    seen: seen.attempts,
  };
  const { attempts, max_attempts: max } = seen;
  // Another program's may be no numbers: without a limit nothing is handed out, and without a count DynamoDB refuses it.
  if (typeof max !== 'number' || (typeof attempts === 'number' && attempts >= max)) {
    const asSeen = `${condition} AND (attribute_not_exists(#max_attempts) OR #max_attempts = :max)`; // or more were allowed
    const retired = { set: { status: 'failed' }, remove: CLAIM, condition: asSeen, values: { ...values, max } };
    return (await update(table, seen.id, retired)).prompt;
  }
  const lease = { claim_token: claim.token, claim_owner: claim.worker, lease_until: Math.round(now + claim.leaseMs) };
  const set = { status: 'in_progress', ...lease };
  return (await update(table, seen.id, { set, add: { attempts: 1 }, remove: [], condition, values })).prompt;
}

/** DynamoDB refuses a claim of an item that is full, or whose attempts are no number: that must not stop all claims. */
const passOver = (candidate: Prompt) => (error: unknown) => {
  if (!(error instanceof Error && error.name === 'ValidationException')) throw error;
  console.warn(`prompt ${candidate.id} can't be claimed and is passed over: ${sentence(error)}`);
  return undefined;
};

async function* justOne(table: Table, id: string): AsyncGenerator<Prompt[]> {
  const prompt = await getPrompt(table, id);
  if (prompt !== undefined) yield [prompt];
}

/** As it comes back: without what JSON doesn't have, such as -0. */
const asJson = (value: Json): unknown => JSON.parse(JSON.stringify(value));

const ID_BYTES = 2048; // DynamoDB's limit for a key
const LONE_SURROGATE = /\p{Surrogate}/u; // text that UTF-8 can't carry

/** Input is checked before anything is sent; no text has room in an item of more than 400 KB. */
function check(name: string, text: string, most = 400 * 1024): void {
  if (text === '' || Buffer.byteLength(text) > most || LONE_SURROGATE.test(text))
    throw new InvalidPrompt(`the ${name} must be 1 to ${most} bytes of valid Unicode`);
}

/** Refuses what would come back as something else. A double is exact up to 2^53, DynamoDB's numbers begin at 1E-130. */
function checkResult(value: Json, level = 0): void {
  if (typeof value === 'object' && value !== null) {
    if (level === 30) throw new InvalidPrompt('the result has more than 30 levels');
    for (const [key, inner] of Object.entries(value)) {
      // DynamoDB takes no empty key, and the SDK loses the other one.
      if (key === '' || key === '__proto__') throw new InvalidPrompt(`the result has the key '${key}'`);
      checkResult(key, level);
      checkResult(inner, level + 1);
    }
  }
  if (typeof value === 'string' && LONE_SURROGATE.test(value))
    throw new InvalidPrompt('the result holds text that is not valid Unicode');
  const size = typeof value === 'number' ? Math.abs(value) : 0;
  const isExact = size === 0 || (size >= 1e-130 && size <= Number.MAX_SAFE_INTEGER);
  if (!isExact) throw new InvalidPrompt(`the result holds a number that can't be stored exactly: ${value}`);
}
