/** What is refused before anything is sent, and how a result is written. */
import { InvalidPrompt } from './errors.js';
import { LAST_MOMENT } from './item.js';

export const ID_BYTES = 2048; // DynamoDB's limit for a key
export const ITEM_BYTES = 256; // the names and the other values of a new prompt
export const MOST_BYTES = 400 * 1024 - 1536; // DynamoDB's limit, less what a claim and a short result need
const LONE_SURROGATE = /\p{Surrogate}/u; // text that UTF-8 can't carry

/** Input is checked before anything is sent; no text has room in an item of more than 400 KB. */
export function check(name: string, text: string, most = 400 * 1024): void {
  if (typeof text !== 'string' || text === '' || Buffer.byteLength(text) > most || LONE_SURROGATE.test(text))
    throw new InvalidPrompt(`the ${name} must be 1 to ${most} bytes of valid Unicode`);
}

export function oneOf(name: string, allowed: readonly string[], value: string): void {
  if (!allowed.includes(value)) throw new InvalidPrompt(`the ${name} must be one of ${allowed.join(', ')}: ${value}`);
}

/** That span from now, in epoch milliseconds, if it is a time that can be written. */
export function momentAfter(name: string, span: number, unitMs = 1, leastMs = 1): number {
  const moment = Date.now() + span * unitMs;
  if (!(typeof span === 'number' && span * unitMs >= leastMs && moment <= LAST_MOMENT))
    throw new InvalidPrompt(`${name} must be a time of ${leastMs} ms or more that ends before the year 10000: ${span}`);
  return moment;
}

const KEY_LENGTH = 16_000; // DynamoDB's limit is 64 KB
const LEVELS = 30; // DynamoDB's are 32, and the attribute itself counts

/**
 * The result as the SDK takes it, if it comes back as it was: a double is exact up to 2^53, DynamoDB's numbers begin at
 * 1E-130. Objects become maps: the SDK takes one with a key `constructor` for an instance of a class.
 */
export function storable(value: unknown, level = 0): unknown {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    if (LONE_SURROGATE.test(value)) throw new InvalidPrompt('the result holds text that is not valid Unicode');
    return value;
  }
  if (typeof value === 'number') {
    const size = Math.abs(value);
    if (size === 0 || (size >= 1e-130 && size <= Number.MAX_SAFE_INTEGER)) return value;
    throw new InvalidPrompt(`the result holds a number that can't be stored exactly: ${value}`);
  }
  if (!isJson(value)) throw new InvalidPrompt(`the result holds ${kindOf(value)}, which JSON does not have`);
  if (level === LEVELS) throw new InvalidPrompt(`the result has more than ${LEVELS} levels`);
  if (Array.isArray(value)) return Array.from(value, (inner: unknown) => storable(inner, level + 1));
  const fields = Object.entries(value).map(([key, inner]): [string, unknown] => {
    // DynamoDB takes no empty key, and the SDK loses the other one.
    if (key === '' || key === '__proto__') throw new InvalidPrompt(`the result has the key '${key}'`);
    if (key.length > KEY_LENGTH) throw new InvalidPrompt(`the result has a key of more than ${KEY_LENGTH} characters`);
    storable(key);
    return [key, storable(inner, level + 1)];
  });
  return new Map(fields);
}

const isJson = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  (Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null));

const kindOf = (value: unknown): string =>
  typeof value === 'object' && value !== null ? `a ${Object.getPrototypeOf(value)?.constructor?.name}` : typeof value;
