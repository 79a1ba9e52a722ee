/**
 * The claim index, where the table has it: see tap/store/entries.py for what an entry is, and tap/store/candidates for how
 * candidates are found by it. This does the same.
 */
import { randomUUID } from 'node:crypto';
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { InvalidPrompt, sentence } from './errors.js';
import { freeFrom, isLive, meaning, type Item } from './item.js';
import { ask, query, strays, update, updateAll, type Table, type Write } from './table.js';

export const INDEX = 'claims';
type State = 'none' | 'building' | 'ready';
export interface Entry {
  queue: string; // pending, leased or stuck
  order: string;
}

const HOLDS_MS: Record<State, number> = { none: 300_000, building: 10_000, ready: 300_000 };
const HOLDS_A_REFUSAL_MS = 3_600_000; // refused requests count in the account's UserErrors, and so towards an alarm
const PAGE = 25;
const CROWDED_PAGE = 50; // where others are quicker
const LARGER_PAGE = 1000; // after a page on which nothing is free
const LOOKS_FOR_LAPSED = 1 / 4;
const SWEEPS = 1 / 16;
const NARROWING = 0.95;
// Wrong entries are mended one by one. What is expired or finished, and more than a few, goes into transactions: nobody else
// writes it, while a worker's write of what still waits would be refused for the transaction's sake.
const FEW = 4;
const MOST_ONE_BY_ONE = 25;
const MOST_MENDED = 500;
const SMALLEST_BITE = 5;
const LARGEST_BITE = 500;

/** What this process knows of a table. */
interface Known {
  state: State;
  askAt: number;
  spread: number;
  sweep: { start: Item | undefined; nextAt: number; bite: number };
}
const tables = new Map<string, Known>();

function known(table: Table): Known {
  const key = `${table.region ?? ''} ${table.name}`;
  const sweep = { start: { id: randomUUID() }, nextAt: 0, bite: SMALLEST_BITE };
  const found = tables.get(key) ?? { state: 'none', askAt: 0, spread: 1, sweep };
  tables.set(key, found);
  return found;
}

/** Whether writes have to keep entries right. */
export const isKept = async (table: Table): Promise<boolean> => (await stateOf(table)) !== 'none';
export const isReady = async (table: Table): Promise<boolean> => (await stateOf(table)) === 'ready';

/** It turned out that it can't be read: switched off since, or not allowed to this program. */
export function refused(table: Table): void {
  Object.assign(known(table), { state: 'building', askAt: Date.now() + HOLDS_MS.none });
}

/** Whether an error says that there is no index, or none for this program. (moto says "not found".) */
export const cannotRead = (error: unknown): boolean =>
  error instanceof Error &&
  ['AccessDeniedException', 'ValidationException', 'ResourceNotFoundException'].includes(error.name);

async function stateOf(table: Table): Promise<State> {
  const its = known(table);
  if (Date.now() < its.askAt) return its.state;
  let holds = 5_000; // unanswered: the request that follows says so, if it lasts
  try {
    const { Table: found } = await ask(table, new DescribeTableCommand({ TableName: table.name }));
    const status = found?.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === INDEX)?.IndexStatus ?? 'DELETING';
    its.state = status === 'DELETING' ? 'none' : status === 'CREATING' ? 'building' : 'ready';
    holds = HOLDS_MS[its.state];
  } catch (error) {
    if (error instanceof Error && error.name === 'AccessDeniedException') [its.state, holds] = await byQuery(table);
    else if (cannotRead(error)) throw error;
  }
  its.askAt = Date.now() + holds;
  return its.state;
}

async function byQuery(table: Table): Promise<[State, number]> {
  try {
    await query(table, INDEX, 'pending', 1);
    return ['ready', HOLDS_MS.ready];
  } catch (error) {
    if (!cannotRead(error)) throw error;
    return ['none', HOLDS_A_REFUSAL_MS];
  }
}

const RANKS: Record<string, string> = { high: '0', low: '2' }; // any other counts as medium
const fixed = (ms: number): string => String(Math.min(Math.max(Math.floor(ms), 0), 1e15 - 1)).padStart(15, '0');

/** Priority and age as text, in the order of work; what has no time of creation is as old as now. */
export function rankOf(item: Item, now = Date.now()): string {
  if (typeof item['claim_rank'] === 'string') return item['claim_rank'];
  const entry = entryOf(item);
  if (entry?.queue === 'pending') return entry.order;
  const created = meaning(item, 'created_at');
  return (RANKS[String(item['priority'])] ?? '1') + fixed(typeof created === 'string' ? Date.parse(created) : now);
}

export const leaseOrder = fixed;

/** Where the index says it is. */
export function entryOf({ claim_queue: queue, claim_order: order }: Item): Entry | undefined {
  return typeof queue === 'string' && typeof order === 'string' ? { queue, order } : undefined;
}

/** Where it should be; undefined for what no worker will ever take. */
export function dueEntry(item: Item, now = Date.now()): Entry | undefined {
  const free = freeFrom(item, 0);
  if (!isLive(item, Math.floor(now / 1000)) || free === Infinity) return undefined;
  const { attempts = null } = item;
  if (attempts !== null && typeof attempts !== 'number') return { queue: 'stuck', order: rankOf(item, now) };
  if (item['status'] === 'pending') return { queue: 'pending', order: rankOf(item, now) };
  return { queue: 'leased', order: fixed(free) };
}

/** The attributes of an entry, as a write sets them. */
export const entryIn = (queue: string, order: string): Item => ({ claim_queue: queue, claim_order: order });

/** What a write of a prompt that waits again sets: its old place or, where it had none, the one given. */
export const waitingAgain = (rank: string): Pick<Write, 'set' | 'unless'> => ({
  set: entryIn('pending', rank),
  unless: { claim_order: 'claim_rank' },
});

export const ENTRY = ['claim_queue', 'claim_order'];

/** Candidates, in the order of trying: high priority first, then the oldest, then leases that ran out, then strays. */
export async function* looks(table: Table, skewMs: number): AsyncGenerator<Item[]> {
  const its = known(table);
  let wrong: Item[] = [];
  const sorted = (page: Item[]): { free: Item[]; leased: Item[] } => {
    const now = Date.now();
    wrong.push(...page.filter((item) => !same(dueEntry(item, now), entryOf(item))));
    const living = page.filter((item) => isLive(item) && freeFrom(item, skewMs) < Infinity);
    const isFree = (item: Item): boolean => freeFrom(item, skewMs) < now;
    return { free: living.filter(isFree), leased: living.filter((item) => !isFree(item)) };
  };
  const mended = async (): Promise<void> => {
    const items = wrong.slice(0, MOST_MENDED);
    wrong = [];
    await mendAll(table, items);
  };
  const size = its.spread < PAGE / 2 ? PAGE : CROWDED_PAGE;
  for await (const page of pages(table, 'pending', size)) {
    const { free, leased } = sorted(page);
    if (free.length === 0) {
      if (leased.length > 0) yield leased;
      if (wrong.length >= MOST_MENDED) await mended();
      continue;
    }
    const chance = Math.random(); // one or the other: a claim makes three requests at most
    if (chance < LOOKS_FOR_LAPSED) free.push(...sorted((await query(table, INDEX, 'leased', PAGE)).items).free);
    else if (chance < LOOKS_FOR_LAPSED + SWEEPS)
      free.push(...(await swept(table, its)).filter((item) => freeFrom(item, skewMs) < Date.now()));
    await mended();
    yield inOrder(free, its.spread);
  }
  for await (const page of pages(table, 'leased', PAGE)) {
    const { free, leased } = sorted(page);
    await mended();
    yield [...inOrder(free, its.spread), ...leased];
    if (leased.length > 0) break;
  }
  await mended();
  yield inOrder(await swept(table, its), its.spread);
}

/** A claim succeeded, after others had been quicker so many times. */
export function taken(table: Table, lost: number): void {
  const its = known(table);
  its.spread = lost > 0 ? CROWDED_PAGE : Math.max(1, its.spread * NARROWING);
}

/** Takes what no worker can claim out of everybody's way. */
export async function setAside(table: Table, seen: Item): Promise<void> {
  if (entryOf(seen) === undefined) return;
  const order = rankOf(seen);
  await update(table, seen['id'] as string, mending(seen, { queue: 'stuck', order })).catch(() => undefined); // no room
}

async function* pages(table: Table, queue: string, size: number): AsyncGenerator<Item[]> {
  let page = await query(table, INDEX, queue, size);
  yield page.items;
  while (page.last !== undefined) {
    page = await query(table, INDEX, queue, LARGER_PAGE, page.last);
    yield page.items;
  }
}

/** By rank, but for the choice within a priority: workers that see the same should take different ones. */
function inOrder(free: Item[], spread: number): Item[] {
  const now = Date.now();
  const groups = new Map<string, Item[]>();
  for (const item of free.sort((a, b) => (rankOf(a, now) < rankOf(b, now) ? -1 : 1))) {
    const priority = rankOf(item, now).charAt(0);
    groups.set(priority, [...(groups.get(priority) ?? []), item]);
  }
  return [...groups.values()].flatMap((group) => {
    const first = group.splice(Math.floor(Math.random() * Math.min(Math.floor(spread), group.length)), 1);
    return [...first, ...shuffled(group)];
  });
}

const shuffled = <T>(items: T[]): T[] =>
  items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);

/** The prompts without an entry in the next bite of the table, if it is time for one; all get theirs. */
async function swept(table: Table, { sweep }: Known): Promise<Item[]> {
  const now = Date.now();
  if (now < sweep.nextAt) return [];
  const waited = sweep.nextAt === 0 ? 0 : (now - sweep.nextAt) / 1000;
  let left = Math.min(Math.max(sweep.bite, SMALLEST_BITE * Math.floor(waited)), LARGEST_BITE);
  const found: Item[] = [];
  let units = 0;
  while (left > 0) {
    const fromTheHead = sweep.start === undefined;
    const page = await strays(table, left, sweep.start).catch((error: unknown) => {
      if (error instanceof Error && error.name === 'AccessDeniedException') return undefined;
      throw error;
    });
    if (page === undefined) {
      sweep.nextAt = now + HOLDS_A_REFUSAL_MS; // this program may not scan: what has no entry is left to others
      return [];
    }
    found.push(...page.items);
    units += page.units;
    left -= page.scanned;
    sweep.start = page.last;
    if (fromTheHead && sweep.start === undefined) break;
  }
  if (found.length > MOST_ONE_BY_ONE) {
    found.length = MOST_ONE_BY_ONE; // the others with the next bite
    sweep.start = { id: found.at(-1)?.['id'] };
  }
  sweep.bite = found.length > 0 ? Math.min(2 * sweep.bite, MOST_ONE_BY_ONE) : SMALLEST_BITE;
  sweep.nextAt = found.length > 0 ? now : now + units * 1000;
  await mendAll(table, found);
  return found;
}

async function mendAll(table: Table, items: Item[]): Promise<void> {
  const writes = items.map((item) => {
    const due = dueEntry(item);
    return { id: item['id'] as string, isGone: due === undefined, write: mending(item, due) };
  });
  const gone = writes.filter(({ isGone }) => isGone);
  const others = writes.filter(({ isGone }) => !isGone).slice(0, MOST_ONE_BY_ONE);
  const isFew = gone.length <= FEW;
  try {
    for (const { id, write } of isFew ? [...gone, ...others] : others)
      await update(table, id, write).catch((error: unknown) => {
        if (!(error instanceof InvalidPrompt)) throw error; // which has no room for an entry
      });
    if (!isFew) for (let start = 0; start < gone.length; start += 100) await updateAll(table, gone.slice(start, start + 100));
  } catch (error) {
    // Another worker is mending the same, or the table is being throttled: no reason to fail a claim.
    if (process.env['TAP_DEBUG']) console.warn(`not all entries could be mended: ${sentence(error)}`);
  }
}

/** The write that gives the item this entry, on the condition that it still is what was seen of it. */
function mending(seen: Item, due: Entry | undefined): Write {
  const entry = entryOf(seen);
  const values: Record<string, unknown> = { status: seen['status'] };
  const terms = ['#status = :status'];
  for (const name of ['lease_until', 'ttl']) {
    if (seen[name] === undefined) {
      if (name === 'lease_until') terms.push('attribute_not_exists(#lease_until)');
    } else if (typeof seen[name] !== 'number' || Number.isSafeInteger(seen[name])) {
      terms.push(`#${name} = :${name}`);
      values[name] = seen[name];
    } else terms.push(`attribute_exists(#${name})`); // more digits than a double has
  }
  if (entry === undefined) terms.push('(attribute_not_exists(#claim_queue) OR attribute_not_exists(#claim_order))');
  else {
    terms.push('#claim_queue = :queue AND #claim_order = :order');
    Object.assign(values, entry);
  }
  const condition = terms.join(' AND ');
  const set: Item = due === undefined ? {} : { ...entryIn(due.queue, due.order), claim_rank: rankOf(seen) };
  return { set, remove: due === undefined ? ENTRY : [], condition, values, unseen: true };
}

const same = (one: Entry | undefined, other: Entry | undefined): boolean =>
  one?.queue === other?.queue && one?.order === other?.order;
