/** What the store can raise: the same names as in `tap/store/errors.py`. */

class StoreError extends Error {
  override readonly name = this.constructor.name;
}

export class InvalidPrompt extends StoreError {} // refused before a request is made
export class PromptNotFound extends StoreError {}
export class PromptConflict extends StoreError {}
export class LeaseLost extends StoreError {}
export class UnreadablePrompt extends StoreError {} // another program's item, without what makes it a prompt
export class StoreMisconfigured extends StoreError {} // the outputs don't lead to a table
export class StoreUnavailable extends StoreError {} // no usable answer: what was sent may have been carried out

/** Node's connection errors may have a code and an empty message, AWS's a name that says more than the message. */
export function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  const [text = ''] = (error.message || code || error.name).split('\n');
  return '$metadata' in error && error.name !== 'Error' && !text.includes(error.name) ? `${error.name}: ${text}` : text;
}
