/** The one place that makes the client and sends requests. The SDK itself sees to AWS_ENDPOINT_URL and the credentials. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  type DescribeTableCommand,
  type DescribeTableCommandOutput,
} from '@aws-sdk/client-dynamodb';
import {
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { InvalidPrompt, sentence, StoreUnavailable } from './errors.js';
import { meaning, nowSeconds, toPrompt, type Item, type Prompt } from './item.js';

// This SDK's version is pinned: its notice about versions to come would only blur the one sentence that an error prints.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

export interface Table {
  name: string;
  region?: string | undefined; // otherwise the environment's or the profile's
}

/**
 * JavaScript's numbers are doubles, DynamoDB's have 38 digits.
 * Reading: each becomes the nearest double, as JSON.parse would read it. (The SDK's own way makes a bigint of what is beyond
 * 2^53, which JSON.stringify can't print, and throws when the number has an exponent.)
 * Writing: a number beyond 2^53 is refused, since it may have lost digits on its way here.
 */
const wrapNumbers = (digits: string): number => Number(digits);
const allowImpreciseNumbers = false;

const makeClient = (region: string): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(
    new DynamoDBClient({
      ...(region !== '' && { region }),
      retryMode: 'standard',
      maxAttempts: 5,
      // Without throwOnRequestTimeout a request that takes too long is only mentioned in the log.
      requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
    }),
    { marshallOptions: { allowImpreciseNumbers }, unmarshallOptions: { wrapNumbers } },
  );

const clients = new Map<string, DynamoDBDocumentClient>();

/** The client of the table's region. As in Python the table's own region wins: elsewhere its name may be another table's. */
function documents(table: Table): DynamoDBDocumentClient {
  // Python's SDK reads AWS_DEFAULT_REGION and this one doesn't: both programs must work from the same shell.
  const region = table.region || process.env['AWS_REGION'] || process.env['AWS_DEFAULT_REGION'] || '';
  const client = clients.get(region) ?? makeClient(region);
  clients.set(region, client);
  return client;
}

/** A condition: the item hasn't expired; a ttl that is no number never passes. Goes with aliveAt's values. */
export const ALIVE = '(attribute_not_exists(#ttl) OR NOT attribute_type(#ttl, :number) OR #ttl > :now)';

/** A condition: it has what is worked on. Another program's item without that stays as it is. */
export const A_PROMPT = 'attribute_type(#prompt_text, :string) AND attribute_type(#task_type, :string)';

/** The values of both. */
export const aliveAt = (now = nowSeconds()) => ({ now, number: 'N', string: 'S' });

export async function read(table: Table, id: string): Promise<Item | undefined> {
  const command = new GetCommand({ TableName: table.name, Key: { id }, ConsistentRead: true });
  const { Item } = await answered(() => documents(table).send(command));
  return Item;
}

/** Equal in these, a stored prompt is the one that the caller meant to create; the rest is the store's. */
const identity = (item: Item): unknown[] => [
  item['prompt_text'],
  item['task_type'],
  meaning(item, 'priority') ?? 'medium', // which the seed's programs may leave out
  meaning(item, 'max_attempts'),
];

/** Makes the item, or finds it as its first try left it; undefined if another that hasn't expired has its id. */
export async function insert(table: Table, item: Item): Promise<Prompt | undefined> {
  const command = new PutCommand({
    TableName: table.name,
    Item: item,
    ...expressions({ ConditionExpression: 'attribute_not_exists(#id) OR #ttl <= :now' }, { now: nowSeconds() }),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  const stored = await answered(() =>
    documents(table)
      .send(command)
      .then(() => item, itemInTheWay),
  );
  return stored && isDeepStrictEqual(identity(stored), identity(item)) ? toPrompt(stored) : undefined;
}

export interface Write {
  set: Item;
  unless?: Record<string, string>; // another attribute, by the name of one that is set: its value wins if it is there
  unseen?: true; // no change of the prompt itself
  add?: Record<string, number>;
  remove: string[];
  condition: string;
  values: Record<string, unknown>; // of the condition
}

/** What a conditional write did: the item after it or, if the condition refused it, as it stands. */
export interface Outcome {
  applied: boolean;
  item: Item | undefined;
}

function updateOf(table: Table, id: string, write: Write) {
  const set: Item = write.unseen ? write.set : { ...write.set, updated_at: new Date().toISOString() };
  const value = (name: string): string => {
    const other = write.unless?.[name];
    return other === undefined ? `:new_${name}` : `if_not_exists(#${other}, :new_${name})`;
  };
  const add = write.add ?? {};
  const parts = [
    list(
      'SET',
      Object.keys(set).map((name) => `#${name} = ${value(name)}`),
    ),
    list(
      'ADD',
      Object.keys(add).map((name) => `#${name} :new_${name}`),
    ),
    list(
      'REMOVE',
      write.remove.map((name) => `#${name}`),
    ),
  ];
  const fresh = Object.entries({ ...set, ...add }).map(([name, value]) => [`new_${name}`, value]);
  return {
    TableName: table.name,
    Key: { id },
    ...expressions(
      { UpdateExpression: parts.join(' ').trim(), ConditionExpression: write.condition },
      { ...write.values, ...Object.fromEntries(fresh) },
    ),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
}

/** At most 100 writes, all of them or none. */
export async function updateAll(table: Table, writes: { id: string; write: Write }[]): Promise<void> {
  const TransactItems = writes.map(({ id, write }) => ({ Update: updateOf(table, id, write) }));
  await answered(() => documents(table).send(new TransactWriteCommand({ TransactItems })));
}

export async function update(table: Table, id: string, write: Write): Promise<Outcome> {
  const command = new UpdateCommand({ ...updateOf(table, id, write), ReturnValues: 'ALL_NEW' });
  const { applied, item } = await answered(() =>
    documents(table)
      .send(command)
      .then(
        ({ Attributes }) => ({ applied: true, item: Attributes }),
        (error: unknown) => ({ applied: false, item: itemInTheWay(error) }),
      ),
  );
  return { applied, item };
}

/** What a claim has to know of a prompt, and not its text. */
const CANDIDATE = ['id', 'priority', 'status', 'lease_until', 'attempts', 'max_attempts', 'ttl'];

/** Candidates for a claim, from a random place on and round: workers that all start at the head are in each other's way. */
export async function* unfinished(table: Table): AsyncGenerator<Item[]> {
  const filter = expressions(
    {
      FilterExpression: `${A_PROMPT} AND ${ALIVE} AND #status IN (:pending, :in_progress)`,
      ProjectionExpression: CANDIDATE.map((name) => `#${name}`).join(', '),
    },
    { ...aliveAt(), pending: 'pending', in_progress: 'in_progress' },
  );
  const seen = new Set<unknown>();
  let batch: Item[] = [];
  let scanned = 0;
  let limit = 100; // grows: few units are read where much is pending, few requests made where little is
  for (const start of [{ id: randomUUID() }, undefined]) {
    let from: Record<string, unknown> | undefined = start;
    let round = false;
    do {
      // Not consistent, which would cost twice as much: a prompt that was made less than a second ago may be missed.
      const input = { TableName: table.name, Limit: limit, ...filter };
      const command = new ScanCommand(from === undefined ? input : { ...input, ExclusiveStartKey: from });
      const page = await answered(() => documents(table).send(command));
      const found = page.Items ?? [];
      const fresh = found.filter(({ id }) => !seen.has(id));
      fresh.forEach(({ id }) => seen.add(id));
      batch.push(...fresh);
      scanned += page.ScannedCount ?? 0;
      if (scanned >= 100) {
        yield batch; // a table of fewer items is a single batch, so there a high priority always comes first
        batch = [];
      }
      round = start === undefined && fresh.length < found.length;
      from = page.LastEvaluatedKey;
      limit = Math.min(limit * 4, 3200);
    } while (from !== undefined && !round);
  }
  yield batch;
}

export interface Page {
  items: Item[];
  last: Item | undefined; // where the next page begins
  scanned: number;
  units: number;
}

/** A page of a queue of the claim index, in its order. */
export async function query(table: Table, index: string, queue: string, limit: number, from?: Item): Promise<Page> {
  const command = new QueryCommand({
    TableName: table.name,
    IndexName: index,
    Limit: limit,
    ...expressions({ KeyConditionExpression: '#claim_queue = :queue' }, { queue }),
    ...(from && { ExclusiveStartKey: from }),
  });
  const { Items: items = [], LastEvaluatedKey: last } = await answered(() => documents(table).send(command));
  return { items, last, scanned: items.length, units: 0 };
}

/** A page of the table, of which those prompts are given that have no entry in the claim index and should have one. */
export async function strays(table: Table, limit: number, from?: Item): Promise<Page> {
  const isUnfinished = '(#status = :pending OR (#status = :in_progress AND attribute_type(#lease_until, :number)))';
  const hasNone = '(attribute_not_exists(#claim_queue) OR attribute_not_exists(#claim_order))';
  const command = new ScanCommand({
    TableName: table.name,
    Limit: limit,
    ReturnConsumedCapacity: 'TOTAL',
    ...expressions(
      {
        FilterExpression: `${hasNone} AND ${A_PROMPT} AND ${ALIVE} AND ${isUnfinished}`,
        ProjectionExpression: [...CANDIDATE, 'created_at'].map((name) => `#${name}`).join(', '),
      },
      { ...aliveAt(), pending: 'pending', in_progress: 'in_progress' },
    ),
    ...(from && { ExclusiveStartKey: from }),
  });
  const page = await answered(() => documents(table).send(command));
  const scanned = page.ScannedCount ?? 0;
  const units = page.ConsumedCapacity?.CapacityUnits ?? scanned;
  return { items: page.Items ?? [], last: page.LastEvaluatedKey, scanned, units };
}

/** What AWS says of the table. */
export const ask = (table: Table, command: DescribeTableCommand): Promise<DescribeTableCommandOutput> =>
  answered(() => documents(table).send(command));

/** Adds the names and values that the expressions use: DynamoDB refuses reserved names, and listed ones that aren't used. */
function expressions<E extends Record<string, string>>(texts: E, values: Record<string, unknown>) {
  const names = Object.values(texts).flatMap((text) => text.match(/#\w+/g) ?? []);
  const used = Object.values(texts).flatMap((text) => text.match(/:\w+/g) ?? []);
  return {
    ...texts,
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [name, name.slice(1)])),
    ExpressionAttributeValues: Object.fromEntries(used.map((name) => [name, values[name.slice(1)]])),
  };
}

const list = (verb: string, terms: string[]): string => (terms.length === 0 ? '' : `${verb} ${terms.join(', ')}`);

/**
 * The SDK repeats a request that got no answer, but takes a damaged one for a fault of the program. Writes may be repeated:
 * each knows its own first try.
 */
async function answered<T>(send: () => Promise<T>, tries = 3): Promise<T> {
  try {
    return await send();
  } catch (error) {
    // The parser's and the unmarshaller's words; the marshaller's on what can't be sent go on with advice.
    const isDamaged = error instanceof SyntaxError || /^Unsupported type passed: \S*$/.test(sentence(error));
    if (isDamaged && tries > 1) return answered(send, tries - 1);
    if (isTooLarge(error)) throw new InvalidPrompt(`the prompt would exceed DynamoDB's 400 KB: ${sentence(error)}`);
    if (isDamaged || isUnanswered(error))
      throw new StoreUnavailable(`no usable answer from DynamoDB: ${sentence(error)}`, { cause: error });
    throw error;
  }
}

const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ValidationException' && /size.*exceed/i.test(error.message);

/** The SDK marks what it sent with $metadata, and what DynamoDB finds wrong with it as the client's fault. */
const isUnanswered = (error: unknown): boolean =>
  error instanceof Error && '$metadata' in error && !('$fault' in error && error.$fault === 'client');

/**
 * After a refused condition: the item as it stands, undefined when there is none. Any other error goes on.
 * The document client leaves an error's Item as it came (aws/aws-sdk-js-v3#6723).
 */
function itemInTheWay(error: unknown): Record<string, unknown> | undefined {
  if (!(error instanceof ConditionalCheckFailedException)) throw error;
  return error.Item && unmarshall(error.Item, { wrapNumbers });
}
