/**
 * The workflow of a turnaround prompt, and its steps one by one:
 *
 *   npm ci && npm run build
 *   node dist/main.js [outputs.json]                        create, claim, complete with {"score": 0.95}, read back
 *   node dist/main.js [outputs.json] create TEXT TYPE [PRIORITY]
 *   node dist/main.js [outputs.json] get ID
 *   node dist/main.js [outputs.json] update ID STATUS [RESULT_JSON]
 *   node dist/main.js [outputs.json] claim WORKER [LEASE_SECONDS]
 *   node dist/main.js [outputs.json] complete ID TOKEN RESULT_JSON
 *
 * outputs.json comes from `cdktf deploy --outputs-file outputs.json`; with several stacks in it, add `--stack TapStackdev`.
 * Without it TAP_OUTPUTS names the file. An argument that begins with a dash goes behind `--`. Each prints one line of JSON.
 * Exit status: 0 done, 1 error, 2 usage, input or outputs, 3 not found, 4 conflict or lease lost, 5 nothing to claim.
 */
import { parseArgs } from 'node:util';
import { sentence } from './errors.js';
import * as store from './prompts.js';

const USAGE =
  'usage: main.js [--stack NAME] [outputs.json] [create TEXT TYPE [PRIORITY] | get ID | update ID STATUS [RESULT_JSON] |' +
  ' claim WORKER [LEASE_SECONDS] | complete ID TOKEN RESULT_JSON]';

class Usage extends Error {}

interface Answer {
  line: unknown;
  exit?: number;
}
type Command = { min: number; max: number; run: (table: store.Table, args: string[]) => Promise<Answer> };

const COMMANDS: Record<string, Command> = {
  workflow: {
    min: 0,
    max: 0,
    run: async (table) => {
      const { id } = await store.createPrompt(table, 'Review code for security vulnerabilities', 'code_review', {
        priority: 'high',
      });
      const claim = await store.claimPrompt(table, 'typescript-example', { id }); // its own: other people's prompts stay theirs
      if (claim.kind !== 'claimed') throw new store.PromptConflict(`another worker was quicker to claim ${id}`);
      await store.completePrompt(table, id, claim.token, { score: 0.95 });
      return { line: await found(table, id) };
    },
  },
  create: {
    min: 2,
    max: 3,
    run: async (table, [text = '', type = '', priority = 'medium']) => ({
      line: await store.createPrompt(table, text, type, { priority: oneOf(store.PRIORITIES, priority) }),
    }),
  },
  get: { min: 1, max: 1, run: async (table, [id = '']) => ({ line: await found(table, id) }) },
  update: {
    min: 2,
    max: 3,
    run: async (table, [id = '', status = '', result]) => ({
      line: await store.updatePrompt(
        table,
        id,
        oneOf(store.STATUSES, status),
        result === undefined ? undefined : json(result),
      ),
    }),
  },
  claim: {
    min: 1,
    max: 2,
    run: async (table, [worker = '', lease = '300']) => {
      const claim = await store.claimPrompt(table, worker, { leaseMs: positive(lease) * 1000 });
      return claim.kind === 'claimed' ? { line: claim.prompt } : { line: claim, exit: 5 };
    },
  },
  complete: {
    min: 3,
    max: 3,
    run: async (table, [id = '', token = '', result = '']) => ({
      line: await store.completePrompt(table, id, token, json(result)),
    }),
  },
};

async function found(table: store.Table, id: string): Promise<store.Prompt> {
  const prompt = await store.getPrompt(table, id);
  if (prompt === undefined) throw new store.PromptNotFound(`no prompt has the id ${id}`);
  return prompt;
}

function oneOf<T extends string>(allowed: readonly T[], value: string): T {
  const match = allowed.find((one) => one === value);
  if (match === undefined) throw new Usage(`'${value}' is none of ${allowed.join(', ')}`);
  return match;
}

function json(text: string): store.Json {
  try {
    return JSON.parse(text) as store.Json;
  } catch {
    throw new Usage(`'${text}' is not JSON`);
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1e9)) throw new Usage(`'${text}' is not a number of seconds`);
  return value;
}

function parse(argv: string[]): {
  values: { stack?: string | undefined; help?: boolean | undefined };
  positionals: string[];
} {
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: { stack: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
  } catch (error) {
    throw new Usage(sentence(error));
  }
}

async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parse(argv);
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const isCommand = positionals[0] !== undefined && Object.hasOwn(COMMANDS, positionals[0]);
  const [outputs] = isCommand ? [] : positionals;
  const [name = 'workflow', ...args] = isCommand ? positionals : positionals.slice(1);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined || args.length < command.min || args.length > command.max) throw new Usage(USAGE);
  const { line, exit = 0 } = await command.run(await store.getTable(outputs, values.stack), args);
  console.log(JSON.stringify(line));
  return exit;
}

function exitStatus(error: unknown): number {
  if ([Usage, store.InvalidPrompt, store.StoreMisconfigured].some((kind) => error instanceof kind)) return 2;
  if (error instanceof store.PromptNotFound) return 3;
  return error instanceof store.PromptConflict || error instanceof store.LeaseLost ? 4 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(sentence(error));
  process.exitCode = exitStatus(error);
}
