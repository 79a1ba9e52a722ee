/** Where a stack's table is, from whichever file holds the outputs: the same files and rules as `tap/store/outputs.py`. */
import { readFile } from 'node:fs/promises';
import { sentence, StoreMisconfigured } from './errors.js';
import type { Table } from './table.js';

const NAME = 'TurnAroundPromptTableName';
const ARN = 'TurnAroundPromptTableArn';
const DEFAULT_FILE = process.env['TAP_OUTPUTS'] || 'outputs.json';

type Outputs = Record<string, unknown>;

/** The table and its region, from `cdktf deploy --outputs-file`, `terraform output -json` or a stack's state. */
export async function getTable(outputsFile = DEFAULT_FILE, stack?: string): Promise<Table> {
  const all = ofStack(await readOutputs(outputsFile), outputsFile, stack);
  const owner = text(all['StackName']);
  if (stack !== undefined && owner !== '' && owner !== stack)
    throw new StoreMisconfigured(`${outputsFile} holds the outputs of ${owner}, not of ${stack}`);
  const name = text(all[NAME]);
  if (name === '') throw new StoreMisconfigured(`${outputsFile} has no output ${NAME} (it has ${names(all)})`);
  return { name, region: text(all[ARN]).split(':')[3] };
}

/** The table's name alone, for a client of one's own. */
export async function getTableName(outputsFile?: string, stack?: string): Promise<string> {
  return (await getTable(outputsFile, stack)).name;
}

async function readOutputs(file: string): Promise<Outputs> {
  let content: unknown;
  try {
    content = JSON.parse(decoded(await readFile(file)));
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const said = isMissing
      ? `there is no ${file}: deploy the stack with --outputs-file ${file}`
      : `${file} can't be read as JSON: ${sentence(cause)}`;
    throw new StoreMisconfigured(said, { cause });
  }
  if (!isObject(content)) throw new StoreMisconfigured(`${file} holds no outputs: its JSON is no object`);
  return 'terraform_version' in content && isObject(content['outputs']) ? content['outputs'] : content;
}

/** The text of a JSON file, without its mark: in UTF-8, or in UTF-16 as PowerShell's > writes it. */
function decoded(content: Buffer): string {
  const [first = 1, second = 1] = content; // JSON begins with ASCII: a zero byte tells UTF-16, and its order
  const isBig = first === 0 || (first === 0xfe && second === 0xff);
  const isLittle = second === 0 || (first === 0xff && second === 0xfe);
  return new TextDecoder(isBig ? 'utf-16be' : isLittle ? 'utf-16le' : 'utf-8', { fatal: true }).decode(content);
}

function ofStack(content: Outputs, file: string, stack?: string): Outputs {
  const stacks = Object.entries(content).filter((entry): entry is [string, Outputs] => isStack(entry[1]));
  if (stacks.length === 0 || stacks.length < Object.keys(content).length) return content; // already one stack's
  const [chosen, another] = stacks.filter(([name]) => name === (stack ?? name));
  if (chosen === undefined) throw new StoreMisconfigured(`${file} has no stack ${stack} (it has ${names(content)})`);
  if (another !== undefined)
    throw new StoreMisconfigured(`${file} holds several stacks (${names(content)}): say which one`);
  return chosen[1];
}

/** A stack's outputs, and not one output as Terraform writes it. */
const isStack = (value: unknown): boolean => isObject(value) && !('value' in value && 'sensitive' in value);

/** An output's text, plain or as Terraform writes it: {"value": …, "type": …}; empty if there is none. */
function text(output: unknown): string {
  const value = isObject(output) ? output['value'] : output;
  return typeof value === 'string' ? value : '';
}

const names = (all: Outputs): string => Object.keys(all).sort().join(', ') || 'nothing';

const isObject = (value: unknown): value is Outputs =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
