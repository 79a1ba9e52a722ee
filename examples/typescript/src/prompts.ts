/**
 * The prompt store: the same items as the Python store in `tap.store`.
 *
 * Work is handed out at least once. A worker that sleeps past its lease may find its prompt with somebody else, and its
 * token then completes nothing. With the claim index the highest priority goes first, and then the oldest. Without it, finding
 * a candidate is a Scan in no order, whose price grows with the table: where nothing is unfinished it reads all of it, up to
 * twice. A loop around claimPrompt should wait longer each time it gets nothing.
 * A request whose reply was lost or damaged is sent again; each function knows its own first try by what it wrote.
 */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { check, ID_BYTES, ITEM_BYTES, momentAfter, MOST_BYTES, oneOf, storable } from './checks.js';
import {
  cannotRead,
  ENTRY,
  entryIn,
  isKept,
  isReady,
  leaseOrder,
  looks,
  rankOf,
  refused,
  setAside,
  taken,
  waitingAgain,
} from './claim-index.js';
import { InvalidPrompt, LeaseLost, PromptConflict, PromptNotFound, sentence } from './errors.js';
import {
  DEFAULT_MAX_ATTEMPTS,
  freeFrom,
  highFirst,
  isLive,
  isPrompt,
  LAST_MOMENT,
  nowSeconds,
  PRIORITIES,
  STATUSES,
  toPrompt,
  type Item,
  type Json,
  type Priority,
  type Prompt,
  type Status,
} from './item.js';
import { A_PROMPT, ALIVE, aliveAt, insert, read, unfinished, update, type Table } from './table.js';

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
  oneOf('priority', PRIORITIES, priority);
  const bytes = Buffer.byteLength(promptText + taskType + id) + ITEM_BYTES;
  if (bytes > MOST_BYTES) throw new InvalidPrompt(`the prompt has ${bytes} bytes; ${MOST_BYTES} leave room for a claim`);
  const created_at = new Date().toISOString();
  const ttl = Math.floor(momentAfter('ttlDays', ttlDays, 86_400_000, 1000) / 1000);
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
  const entry = (await isKept(table)) && { ...entryIn('pending', rankOf(item)), claim_rank: rankOf(item) };
  const prompt = await insert(table, { ...item, ...entry });
  if (prompt === undefined) throw new PromptConflict(`another prompt has the id ${id}`);
  return prompt;
}

/** undefined when there is none, or when it has expired. */
export async function getPrompt(table: Table, id: string): Promise<Prompt | undefined> {
  const item = await readAlive(table, id);
  return item && toPrompt(item);
}

async function readAlive(table: Table, id: string): Promise<Item | undefined> {
  check('id', id, ID_BYTES);
  const item = await read(table, id);
  return item !== undefined && isLive(item) ? item : undefined;
}

/** Sets the status whoever holds the prompt, and so ends a claim: its token is gone. A result that isn't given stays. */
export async function updatePrompt(table: Table, id: string, status: Status, result?: Json): Promise<Prompt> {
  const token = randomUUID();
  const withResult = result !== undefined;
  check('id', id, ID_BYTES);
  oneOf('status', STATUSES, status);
  // An update without a condition makes a ghost of an id that isn't there, and a second try would undo a claim made since.
  const notYet = 'attribute_not_exists(#update_token) OR #update_token <> :token';
  const now = nowSeconds();
  const waits = status === 'pending' && (await isKept(table)) ? waitingAgain(rankOf({})) : undefined;
  const { item } = await update(table, id, {
    ...waits,
    set: { status, update_token: token, ...(withResult && { result: storable(result) }), ...waits?.set },
    remove: [...CLAIM, ...(withResult ? ['result_json'] : []), ...(waits === undefined ? ENTRY : [])],
    condition: `${A_PROMPT} AND ${ALIVE} AND (${notYet})`,
    values: { ...aliveAt(now), token },
  });
  if (item === undefined || !isLive(item, now)) throw new PromptNotFound(`no prompt has the id ${id}`);
  return toPrompt(item); // UnreadablePrompt for a ghost, which was refused
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
  momentAfter('leaseMs', leaseMs);
  if (!(skewMs >= 0 && skewMs < Infinity)) throw new InvalidPrompt(`skewMs must be 0 or more milliseconds: ${skewMs}`);
  let until = Infinity;
  let lost = 0;
  for await (const batch of id === undefined ? candidates(table, skewMs) : justOne(table, id)) {
    for (const seen of batch) {
      const claim = { token: randomUUID(), worker, leaseMs, skewMs };
      const isFree = freeFrom(seen, skewMs) < Date.now();
      const item = isFree ? await take(table, seen, claim).catch(passOver(table, seen)) : seen;
      if (item === undefined) continue;
      if (item['claim_token'] === claim.token) {
        taken(table, lost);
        return { kind: 'claimed', prompt: toPrompt(item), token: claim.token };
      }
      if (isFree) lost++;
      if (item === seen || isPrompt(item)) until = Math.min(until, Math.max(freeFrom(item, skewMs), Date.now()));
    }
  }
  if (until === Infinity) return { kind: 'nothing_pending' };
  return { kind: 'all_leased', until: new Date(Math.min(until, LAST_MOMENT)) };
}

/** Finishes a claimed prompt. The item keeps the token: that is how a second try knows the first one's work. */
export async function completePrompt(table: Table, id: string, token: string, result: Json): Promise<Prompt> {
  check('id', id, ID_BYTES);
  check('token', token);
  const now = nowSeconds();
  const { applied, item } = await update(table, id, {
    set: { status: 'completed', result: storable(result) },
    remove: ['lease_until', 'result_json', ...ENTRY],
    condition: `attribute_exists(#id) AND ${ALIVE} AND #claim_token = :token AND #status = :in_progress`,
    values: { ...aliveAt(now), token, in_progress: 'in_progress' },
  });
  if (item === undefined || !(applied || isLive(item, now))) throw new PromptNotFound(`no prompt has the id ${id}`);
  const prompt = toPrompt(item);
  if (applied) return prompt;
  if (prompt.claim_token === token && prompt.status === 'completed') {
    if (prompt.result !== undefined && isDeepStrictEqual(asJson(prompt.result), asJson(result))) return prompt;
    throw new PromptConflict(`prompt ${id} is already completed, with another result`);
  }
  throw new LeaseLost(`prompt ${id} is no longer yours: it is ${prompt.status}, and not by this claim`);
}

const CLAIM = ['claim_token', 'claim_owner', 'lease_until'];

interface Claim {
  token: string;
  worker: string;
  leaseMs: number;
  skewMs: number;
}

/** Conditions of a claim, as in tap/store/claims.py. */
const FREE = '(#status = :pending OR (#status = :in_progress AND #lease_until < :ended))';
const LEFT =
  '((attribute_type(#max_attempts, :number) AND (#attempts < #max_attempts' +
  ' OR (NOT attribute_type(#attempts, :number) AND #max_attempts > :zero)))' +
  ' OR (NOT attribute_type(#max_attempts, :number) AND (NOT attribute_type(#attempts, :number)' +
  ' OR #attempts < :default_max)))';
const FRESH = '(attribute_not_exists(#claim_token) OR #claim_token <> :token)'; // a late request takes nothing again
const LASTS = '(attribute_not_exists(#ttl) OR NOT attribute_type(#ttl, :number) OR #ttl >= :end)';

/** One conditional write decides who gets the prompt. One that was handed out too often fails instead. */
async function take(table: Table, seen: Item, claim: Claim): Promise<Item | undefined> {
  const id = seen['id'] as string;
  const now = Date.now();
  const leaseUntil = Math.round(now + claim.leaseMs);
  const end = Math.floor((leaseUntil + claim.skewMs) / 1000) + 1;
  const { attempts = null, max_attempts: max, ttl } = seen;
  const values = {
    ...aliveAt(),
    pending: 'pending',
    in_progress: 'in_progress',
    ended: now - claim.skewMs,
    zero: 0,
    default_max: DEFAULT_MAX_ATTEMPTS,
    token: claim.token,
    null: 'NULL',
    end,
  };
  if (Number(attempts) >= (typeof max === 'number' ? max : DEFAULT_MAX_ATTEMPTS)) {
    const condition = `${A_PROMPT} AND ${ALIVE} AND ${FREE} AND NOT ${LEFT}`; // or more were allowed meanwhile
    return (await update(table, id, { set: { status: 'failed' }, remove: [...CLAIM, ...ENTRY], condition, values })).item;
  }
  if (attempts !== null && typeof attempts !== 'number') {
    console.warn(`prompt ${id} can't be claimed and is passed over: its attempts are no number`);
    await setAside(table, seen);
    return undefined;
  }
  const isShort = typeof ttl === 'number' && ttl < end; // it lives until the lease's end then
  const uncounted = seen['attempts'] === null; // counts as absent, but DynamoDB adds nothing to NULL
  const conditions = [A_PROMPT, isShort ? '#ttl > :now AND #ttl < :end' : LASTS, FREE, LEFT, FRESH];
  if (uncounted) conditions.push('attribute_type(#attempts, :null)');
  const isEntered = await isKept(table);
  const outcome = await update(table, id, {
    set: {
      status: 'in_progress',
      claim_token: claim.token,
      claim_owner: claim.worker,
      lease_until: leaseUntil,
      ...(isShort && { ttl: end }),
      ...(uncounted && { attempts: 1 }),
      ...(isEntered && { ...entryIn('leased', leaseOrder(leaseUntil)), claim_rank: rankOf(seen) }),
    },
    unless: { claim_rank: 'claim_rank' },
    add: uncounted ? {} : { attempts: 1 },
    remove: [],
    condition: conditions.join(' AND '),
    values,
  });
  return outcome.item;
}

/** DynamoDB refuses a claim of an item that is full: that must not stop all claims. */
const passOver = (table: Table, candidate: Item) => async (error: unknown) => {
  if (!(error instanceof InvalidPrompt || (error instanceof Error && error.name === 'ValidationException'))) throw error;
  console.warn(`prompt ${candidate['id'] as string} can't be claimed and is passed over: ${sentence(error)}`);
  await setAside(table, candidate);
  return undefined;
};

/** Candidates in the order of trying: by the claim index if there is one that this program may read, or by a scan. */
async function* candidates(table: Table, skewMs: number): AsyncGenerator<Item[]> {
  if (await isReady(table)) {
    try {
      yield* looks(table, skewMs);
      return;
    } catch (error) {
      if (!cannotRead(error)) throw error;
      refused(table);
    }
  }
  for await (const batch of unfinished(table)) yield highFirst(batch);
}

async function* justOne(table: Table, id: string): AsyncGenerator<Item[]> {
  const item = await readAlive(table, id);
  if (item === undefined) return;
  toPrompt(item); // UnreadablePrompt, where there is an item without what is worked on
  yield [item];
}

/** As it comes back: without what JSON doesn't have, such as -0. */
const asJson = (value: Json): unknown => JSON.parse(JSON.stringify(value));
