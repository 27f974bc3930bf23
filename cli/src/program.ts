// The commands of `floodgate`, put together, and what the argument parser says about them.
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { plainPrint, runCommand, type RegisterCommand, type Run, type Surroundings } from './command.ts';
import { registerBackfill } from './commands/backfill.ts';
import { registerControl } from './commands/control.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDlq } from './commands/dlq.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerExplain } from './commands/explain.ts';
import { registerExport } from './commands/export.ts';
import { registerLint } from './commands/lint.ts';
import { registerPlan } from './commands/plan.ts';
import { registerQuarantine } from './commands/quarantine.ts';
import { registerReconcile } from './commands/reconcile.ts';
import { registerRetry } from './commands/retry.ts';
import { registerSql } from './commands/sql.ts';
import { registerStatus } from './commands/status.ts';
import { registerUp } from './commands/up.ts';
import { registerValidate } from './commands/validate.ts';
import { registerWatch } from './commands/watch.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';

const groups: readonly (readonly [heading: string, commands: readonly RegisterCommand[]])[] = [
  ['Begin:', [registerDemo, registerDoctor, registerLint]],
  ['Compute:', [registerPlan, registerBackfill, registerUp]],
  ['Look:', [registerStatus, registerWatch, registerExplain, registerValidate, registerSql, registerExport]],
  ['Decide:', [registerControl, registerRetry, registerDlq, registerQuarantine, registerReconcile]],
];

const readVersion = (): string => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string };
  return version;
};

const exitCodeHelp = `
Exit codes:
  0  done, every gate open
  1  finished with failed or quarantined dates; a validation: not ready
  2  the command, its input or the pipeline is wrong
  3  every task succeeded, and a check holds a gate (or the backfill is paused); a gate would wait for a person
  4  could not tell: interrupted, a check that could not be evaluated, an error
  5  in conflict with another backfill or process

Docs: docs/operations.md. Every setting is a flag, else a variable: FLOODGATE_HOME, FLOODGATE_PIPELINE,
FLOODGATE_PIPELINES, FLOODGATE_<PIPELINE>_DATA, FLOODGATE_PORT, FLOODGATE_WORKERS, FLOODGATE_GRACE,
FLOODGATE_LOG_LEVEL.`;

const createProgram = (surroundings: Surroundings, run: Run): Command => {
  const program = new Command('floodgate')
    .usage('<command> [options]')
    .description('Backfills for date-partitioned pipelines: planned, computed, checked, committed atomically.')
    .version(readVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .configureHelp({ showGlobalOptions: false, sortSubcommands: false })
    .configureOutput({
      writeOut: surroundings.out.write,
      writeErr: surroundings.err.write,
      outputError: () => undefined,
      getOutHelpWidth: () => Math.min(surroundings.out.columns ?? 100, 110),
      getErrHelpWidth: () => Math.min(surroundings.err.columns ?? 100, 110),
    })
    .addHelpText('after', exitCodeHelp)
    .exitOverride();
  for (const [heading, commands] of groups) {
    program.commandsGroup(heading);
    for (const register of commands) register(program, run);
  }
  program.commandsGroup('Help:');
  return program;
};

/** Commander's complaints in our words: what was expected, what was found, what to do. */
const tellUsageError = (error: CommanderError, surroundings: Surroundings, argv: readonly string[]): ExitCode => {
  const print = plainPrint(surroundings, argv.includes('--json'));
  const [message = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const command = argv.find((word) => !word.startsWith('-'));
  const known = command !== undefined && error.code !== 'commander.unknownCommand';
  const suggestion = more
    .join(' ')
    .trim()
    .replace(/^\((.*)\)$/, '$1');
  const hint = `${suggestion === '' ? '' : `${suggestion} `}npx floodgate ${known ? `${command} ` : ''}--help shows what there is`;
  print.error(`${print.errorStyle.paint('red', print.errorStyle.bold('error:'))} ${message}`);
  print.error(`${print.errorStyle.paint('cyan', '  help:')} ${hint}`);
  if (print.json) print.document({ error: { code: 'usage', message, hint }, exitCode: exitCodes.usage });
  return exitCodes.usage;
};

const helpCodes = ['commander.helpDisplayed', 'commander.version'];

/** Runs one command line to its exit code. Never throws. */
export const runProgram = async (argv: readonly string[], surroundings: Surroundings): Promise<ExitCode> => {
  let exitCode: ExitCode = exitCodes.done;
  const program = createProgram(surroundings, async (flags, body) => {
    exitCode = await runCommand(surroundings, flags, body);
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (helpCodes.includes(error.code)) return exitCodes.done;
    // Help that nobody asked for: a group of commands without one of them.
    if (error.code === 'commander.help') return argv.includes('help') ? exitCodes.done : exitCodes.usage;
    return tellUsageError(error, surroundings, argv);
  }
};
