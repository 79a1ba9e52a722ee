/**
 * The table of cases that the Python store's tests read too: tests/cases/items.json says what it means.
 * Needs dist/ (npm run build), a table of its own (TAP_TABLE) and its endpoint (AWS_ENDPOINT_URL): tests/store/test_cases.py.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { DeleteItemCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { dueEntry } from '../dist/claim-index.js';
import * as store from '../dist/prompts.js';

const CASES = JSON.parse(await readFile(new URL('../../../tests/cases/items.json', import.meta.url), 'utf8'));
const ENTRY = ['claim_queue', 'claim_order', 'claim_rank']; // on a table with the claim index
const CHANGED = new Set([
  ...['status', 'updated_at', 'attempts', 'claim_token', 'claim_owner', 'lease_until', 'result', 'result_json'],
  ...ENTRY,
]);
const client = new DynamoDBClient({ region: 'us-east-1' });
const table = { name: process.env['TAP_TABLE'] };
console.warn = () => {}; // what is passed over

async function raw() {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: table.name, ConsistentRead: true }));
  return Items;
}

// A store looks for prompts without an entry once in a while: for each test that while is over.
const realNow = Date.now;
let ahead = 0;
Date.now = () => realNow() + ahead;
beforeEach(() => (ahead += 1000));

afterEach(async () => {
  for (const { id } of await raw()) await client.send(new DeleteItemCommand({ TableName: table.name, Key: { id } }));
});

/** A typed value with its bytes as bytes. */
function typed(value) {
  const [[kind, inner]] = Object.entries(value);
  if (kind === 'B') return { B: Uint8Array.from(Buffer.from(inner, 'base64')) };
  if (kind === 'BS') return { BS: inner.map((item) => Uint8Array.from(Buffer.from(item, 'base64'))) };
  if (kind === 'L') return { L: inner.map(typed) };
  if (kind === 'M') return { M: Object.fromEntries(Object.entries(inner).map(([key, item]) => [key, typed(item)])) };
  return value;
}

/** Puts the case's item; returns it as the table then has it. */
async function put(attributes) {
  const all = Object.entries({ ...CASES.base, ...attributes }).filter(([, value]) => value !== null);
  const Item = Object.fromEntries(all.map(([name, value]) => [name, typed(value)]));
  await client.send(new PutItemCommand({ TableName: table.name, Item }));
  return (await raw()).find(({ id }) => id.S === Item.id.S);
}

const unchanged = (item) => Object.fromEntries(Object.entries(item).filter(([name]) => !CHANGED.has(name)));
const instant = (time) => (time === undefined ? null : new Date(time).toISOString());

for (const { name, attributes, reads = {}, extra = [], claims } of CASES.items) {
  test(`read: ${name}`, async () => {
    await put(attributes);
    if (reads === false) return assert.rejects(store.getPrompt(table, 'case'), store.UnreadablePrompt);
    const prompt = await store.getPrompt(table, 'case');
    const { priority, attempts, max_attempts, ttl = null, lease_until = null, claim_owner = null, result = null } = prompt;
    const [created_at, updated_at] = [instant(prompt.created_at), instant(prompt.updated_at)];
    const said = { priority, created_at, updated_at, ttl, attempts, max_attempts, claim_owner, lease_until, result };
    assert.deepEqual(said, { ...CASES.as_absent, ...reads });
    assert.deepEqual(Object.keys(prompt.extra ?? {}).sort(), extra);
  });

  test(`claim: ${name}`, async () => {
    const before = await put(attributes);
    const claim = await store.claimPrompt(table, 'typescript');
    if (typeof claims === 'string') {
      assert.notEqual(claim.kind, 'claimed');
      const [after] = await raw();
      for (const name of ENTRY) delete after[name];
      if (claims === 'failed') delete after.updated_at;
      return assert.deepEqual(after, claims === 'failed' ? { ...before, status: { S: 'failed' } } : before);
    }
    assert.equal(claim.kind, 'claimed');
    assert.equal(claim.prompt.attempts, claims);
    await store.completePrompt(table, 'case', claim.token, { score: 0.95 });
    const [after] = await raw();
    assert.deepEqual(unchanged(after), unchanged(before));
    assert.deepEqual([after.status, after.result], [{ S: 'completed' }, { M: { score: { N: '0.95' } } }]);
  });

  test(`update: ${name}`, async () => {
    const before = await put(attributes);
    const updated = store.updatePrompt(table, 'case', 'failed');
    const isPrompt = reads !== false || name.startsWith('status');
    await (isPrompt ? updated : assert.rejects(updated, store.UnreadablePrompt));
    const [after] = await raw();
    assert.deepEqual(unchanged(after), { ...unchanged(before), ...(isPrompt && { update_token: after.update_token }) });
  });
}

for (const { name, result, result_json, reads } of CASES.results) {
  test(`result: ${name}`, async () => {
    await put({ result, ...(result_json && { result_json }) });
    assert.deepEqual((await store.getPrompt(table, 'case')).result, reads);
  });
}

for (const { value, stored } of CASES.completes) {
  test(`complete: ${JSON.stringify(value)}`, async () => {
    const { id } = await store.createPrompt(table, 'text', 'type');
    const { token } = await store.claimPrompt(table, 'typescript');
    assert.deepEqual((await store.completePrompt(table, id, token, value)).result, value);
    assert.deepEqual((await raw())[0].result, typed(stored));
  });
}

for (const { name, attributes, entry } of CASES.entries) {
  test(`entry: ${name}`, () => {
    const item = unmarshall({ ...CASES.base, ...attributes }, { wrapNumbers: Number });
    const due = dueEntry(item, Date.parse('2026-11-26T12:00:00Z'));
    assert.deepEqual(due ? [due.queue, due.order] : null, entry);
  });
}

if (process.env['TAP_HAS_INDEX']) {
  const entry = (item) => (item.claim_queue === undefined ? undefined : [item.claim_queue.S, item.claim_order.S]);
  const due = (item) => {
    const { queue, order } = dueEntry(unmarshall(item, { wrapNumbers: Number })) ?? {};
    return queue && [queue, order];
  };
  const allRight = async () => (await raw()).forEach((item) => assert.deepEqual(entry(item), due(item)));
  const later = () => (ahead += 5);

  test('by the index the highest priority goes first, and then the oldest', async () => {
    const expected = { high: [], medium: [], low: [] };
    for (const priority of ['low', 'high', 'medium', 'high', 'low', 'medium', 'high']) {
      expected[priority].push((await store.createPrompt(table, 'text', 'type', { priority })).id);
      later();
    }
    const taken = [];
    for (let n = 0; n < 7; n++) taken.push((await store.claimPrompt(table, 'typescript')).prompt.id);
    assert.deepEqual(taken, [...expected.high, ...expected.medium, ...expected.low]);
    assert.equal((await store.claimPrompt(table, 'typescript')).kind, 'all_leased');
  });

  test('a claim that looks for leases does not sweep too', async (t) => {
    await put({ id: { S: 'waits' } });
    await store.claimPrompt(table, 'typescript'); // whether there is an index is known from here on
    await store.createPrompt(table, 'text', 'type');
    later();
    const sent = t.mock.method(DynamoDBDocumentClient.prototype, 'send');
    t.mock.method(Math, 'random', () => 0); // whatever is left to chance is done
    assert.equal((await store.claimPrompt(table, 'typescript')).kind, 'claimed');
    const made = sent.mock.calls.map((call) => call.arguments[0].constructor.name);
    assert.deepEqual(made, ['QueryCommand', 'QueryCommand', 'UpdateCommand']);
  });

  test('every write keeps the entry right, and a prompt that waits again has its old place', async () => {
    const { id } = await store.createPrompt(table, 'text', 'type');
    const [created] = await raw();
    await allRight();
    await store.claimPrompt(table, 'typescript', { id });
    await allRight();
    await store.updatePrompt(table, id, 'pending');
    assert.deepEqual(entry((await raw())[0]), entry(created));
    const { token } = await store.claimPrompt(table, 'typescript');
    await store.completePrompt(table, id, token, 1);
    assert.equal(entry((await raw())[0]), undefined);
    await store.updatePrompt(table, id, 'pending');
    assert.deepEqual(entry((await raw())[0]), entry(created));
    await store.updatePrompt(table, id, 'failed');
    assert.equal(entry((await raw())[0]), undefined);
  });

  test('entries that other programs left wrong are mended', async () => {
    const order = { claim_order: { S: '0' }, claim_rank: { S: '0' }, claim_queue: { S: 'pending' } };
    for (const [id, attributes] of Object.entries({
      finished: { status: { S: 'completed' } },
      expired: { ttl: { N: '1' } },
      held: { status: { S: 'in_progress' }, lease_until: { N: '4000000000000' } },
      odd: { attempts: { S: 'none' } },
      waits: {},
    }))
      await put({ id: { S: id }, ...order, ...attributes });
    assert.equal((await store.claimPrompt(table, 'typescript')).prompt.id, 'waits');
    await allRight();
    assert.equal((await store.claimPrompt(table, 'typescript')).kind, 'all_leased');
  });

  test('a head of expired prompts holds nobody up', async () => {
    for (let n = 0; n < 60; n++)
      await put({ id: { S: `old-${n}` }, ttl: { N: '1' }, claim_queue: { S: 'pending' }, claim_order: { S: `00${n}` } });
    await store.createPrompt(table, 'text', 'type', { id: 'living', priority: 'low' });
    assert.equal((await store.claimPrompt(table, 'typescript')).prompt.id, 'living');
    await allRight();
  });
}

test('an unknown priority goes with medium', async () => {
  for (const name of ['low', 'urgent', 'high']) await put({ id: { S: name }, priority: { S: name } });
  const claims = [];
  for (const _ of 'abc') claims.push((await store.claimPrompt(table, 'typescript')).prompt.id);
  assert.deepEqual(claims, ['high', 'urgent', 'low']);
});

test('what is worked on does not expire', async () => {
  const soon = Math.floor(Date.now() / 1000) + 30;
  await put({ ttl: { N: String(soon) } });
  const { prompt } = await store.claimPrompt(table, 'typescript', { leaseMs: 60_000 });
  assert.ok(prompt.ttl * 1000 > prompt.lease_until);
  await put({ ttl: { N: String(soon + 3600) } });
  assert.equal((await store.claimPrompt(table, 'typescript', { leaseMs: 60_000 })).prompt.ttl, soon + 3600);
});

class Instance {}
const deep = (levels) => (levels === 0 ? 1 : [deep(levels - 1)]);
const REFUSED = {
  undefined: { a: undefined },
  'an undefined element': [undefined],
  'a hole': new Array(2),
  NaN: [NaN],
  Infinity: Infinity,
  'a bigint': 1n,
  'a function': { f() {} },
  'a date': new Date(),
  'a map': new Map(),
  'an instance': new Instance(),
  'a key of 70,000 characters': { ['k'.repeat(70_000)]: 1 },
  '__proto__': JSON.parse('{"__proto__": 1}'),
  '31 levels': deep(31),
  'a lone surrogate': '\ud800',
};
for (const [name, value] of Object.entries(REFUSED)) {
  test(`a result with ${name} is refused`, async () => {
    await put({});
    await assert.rejects(store.updatePrompt(table, 'case', 'completed', value ?? null), store.InvalidPrompt);
    await assert.rejects(store.completePrompt(table, 'case', 'token', value), store.InvalidPrompt);
  });
}

for (const options of [
  ...[NaN, 0, -1, 1e-9, Infinity, 4_000_000, '30'].map((ttlDays) => ({ ttlDays })),
  { priority: 'urgent' },
  { id: '' },
]) {
  const [[name, value]] = Object.entries(options);
  test(`create with ${name} ${value} is refused`, () =>
    assert.rejects(store.createPrompt(table, 'text', 'type', options), store.InvalidPrompt));
}

for (const options of [{ leaseMs: NaN }, { leaseMs: 0 }, { leaseMs: -1 }, { leaseMs: 1e15 }, { skewMs: NaN }, { skewMs: -1 }]) {
  const [[name, value]] = Object.entries(options);
  test(`claim with ${name} ${value} is refused`, () =>
    assert.rejects(store.claimPrompt(table, 'typescript', options), store.InvalidPrompt));
}

test('what is too large is refused', async () => {
  await assert.rejects(store.createPrompt(table, 'x'.repeat(409_000), 'type'), store.InvalidPrompt);
  const { id } = await store.createPrompt(table, 'x'.repeat(300_000), 'type');
  await assert.rejects(store.updatePrompt(table, id, 'completed', 'y'.repeat(300_000)), store.InvalidPrompt);
});

const OUTPUTS = { TurnAroundPromptTableName: 'a-table', TurnAroundPromptTableArn: 'arn:aws:dynamodb:eu-central-1:1:table/x' };
const UTF16 = Buffer.from(`\ufeff${JSON.stringify(OUTPUTS)}`, 'utf16le');
for (const [name, content] of Object.entries({
  'UTF-8 with a mark': Buffer.from(`\ufeff${JSON.stringify(OUTPUTS)}`),
  'UTF-16': UTF16,
  'UTF-16 without a mark': UTF16.subarray(2),
  'UTF-16, big end first': Buffer.from(UTF16).swap16(),
  'UTF-16 without a mark, big end first': Buffer.from(UTF16).swap16().subarray(2),
})) {
  test(`outputs in ${name} are read`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'outputs-'));
    try {
      await writeFile(join(folder, 'outputs.json'), content);
      assert.deepEqual(await store.getTable(join(folder, 'outputs.json')), { name: 'a-table', region: 'eu-central-1' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

test('an unknown status is refused', () => assert.rejects(store.updatePrompt(table, 'case', 'done'), store.InvalidPrompt));
