/** Where a stack's table is, from whichever file holds the outputs: the same files and rules as `tap/store/outputs.py`. */
import { readFile } from 'node:fs/promises';
import type { Table } from './table.js';

const NAME = 'TurnAroundPromptTableName';
const ARN = 'TurnAroundPromptTableArn';

/** The table and its region, from `cdktf deploy --outputs-file`, `terraform output -json` or a stack's state. */
export async function getTable(outputsFile: string, stack?: string): Promise<Table> {
  const content = record(parseJson(await readFile(outputsFile, 'utf8'), outputsFile));
  const all = 'terraform_version' in content ? record(content['outputs']) : content;
  const { [NAME]: name, [ARN]: arn, StackName: owner } = NAME in all ? plain(all) : ofStack(all, outputsFile, stack);
  if (stack !== undefined && owner !== undefined && owner !== stack)
    throw new Error(`${outputsFile} holds the outputs of ${String(owner)}, not of ${stack}`);
  if (typeof name !== 'string' || name === '')
    throw new Error(`${outputsFile} has no ${NAME}${stack === undefined ? '' : ` of a stack ${stack}`}`);
  return { name, region: typeof arn === 'string' ? arn.split(':')[3] : undefined };
}

/** The table's name alone, for a client of one's own. */
export async function getTableName(outputsFile: string, stack?: string): Promise<string> {
  return (await getTable(outputsFile, stack)).name;
}

function ofStack(stacks: Record<string, unknown>, outputsFile: string, stack?: string): Record<string, unknown> {
  const names = Object.keys(stacks).filter((name) => NAME in record(stacks[name]) && name === (stack ?? name));
  if (names.length > 1) throw new Error(`${outputsFile} has several stacks, name one: ${names.join(', ')}`);
  return record(stacks[names[0] ?? '']);
}

/** Terraform writes each output as {"value": …, "type": …}. */
const plain = (outputs: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, record(output)['value']]));

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${source} is not JSON`, { cause: error });
  }
}

/** Anything as a record; what isn't an object is an empty one. */
const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
