// floodgate validate: asks about tables without changing anything, with an exit code that says ready, not ready or could not
// tell. What it decides is core's (app/validate.ts), on either backend; this only asks and shows.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { ValidationKind } from '@floodgate/core/app/validate-report.ts';
import type { Command } from 'commander';
import { addJson, addServices, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { exitCodeOfVerdict, type ExitCode } from '../exit-codes.ts';
import type { ValidationOutput } from '../output-schema.ts';
import { renderValidation } from '../render/validate.ts';
import { addPartitions, requestOf, type SelectionFlags } from '../selection-flags.ts';
import type { Session } from '../session.ts';
import { showWhile } from '../validate-progress.ts';

type ValidateFlags = ConfigFlags & SelectionFlags;

const run = async (session: Session, kind: ValidationKind, flags: ValidateFlags, phase?: number): Promise<ExitCode> => {
  const { print, config } = session;
  if (kind === 'gate' && flags.phases !== undefined)
    throw new FloodgateError('usage', '--phases: the gate’s phase is its argument', { hint: 'leave --phases out; --processors narrows a gate down' });
  // Only what is selected counts: reason and limits of a backfill have no meaning here.
  const { pipeline, range, dates, exclude, phases, processors } = requestOf(flags, config.pipelineId);
  const selection = { pipeline, range, dates, exclude, phases, processors };
  const backend = await session.backend();
  if (kind === 'preflight') await backend.prepare();
  const input = { kind, selection, ...(phase === undefined ? {} : { phase }) };
  const report = await showWhile(session, (progress) =>
    backend.withWarehouse((actions) => actions.validate(input, session.interrupted, progress), { mayBegin: kind === 'preflight' }),
  );
  const exitCode = exitCodeOfVerdict(report.verdict);
  // The report of core is what the schema promises; the compiler holds the one to the other.
  const output = { ...report, exitCode } satisfies { readonly [Key in keyof ValidationOutput]: unknown };
  if (print.json) print.document(output);
  else print.note(renderValidation(report, print.style, print.width, session.flags).join('\n'));
  return exitCode;
};

const readPhase = (text: string): number => {
  if (!/^\d{1,3}$/.test(text)) throw new FloodgateError('usage', `gate: expected the number of a phase, found "${text}"`);
  return Number(text);
};

const kinds: readonly (readonly [kind: Exclude<ValidationKind, 'gate'>, summary: string, description: string])[] = [
  [
    'preflight',
    'could the selection be computed as things are',
    'Whether everything is there that the selection reads: rows of sources for each date of the calendar, upstream partitions committed and fresh, in the windows and their lookback; target tables as declared.',
  ],
  [
    'coverage',
    'is everything there that should be, in keys',
    'What row_count and expected_keys audits expect, from sources of their own, against the committed rows of each date; dates that nothing is expected of are named.',
  ],
  [
    'contamination',
    'critical columns date by date, and who has read them',
    'Every critical column of every edge against its threshold, date by date, never averaged; partitions that have read a date which fails are listed, through all their windows.',
  ],
  [
    'range',
    'all checks over the committed rows',
    'Every audit, contract and gate check over the committed rows; rows against the ledger, duplicates, rows of dates that should have none.',
  ],
];

const addFlags = (command: Command): Command => addJson(addServices(addPartitions(command)));

export const registerValidate: RegisterCommand = (program, runSession) => {
  const validate = program
    .command('validate')
    .summary('ask whether tables are ready: preflight, coverage, …')
    .description(
      'Asks about tables, and changes nothing. Exits with 0 where all is as it should be, 1 where something is not, 4 where that could not be told.',
    );
  for (const [kind, summary, description] of kinds)
    addFlags(validate.command(kind).summary(summary).description(description)).action((flags: ValidateFlags) =>
      runSession(flags, (session) => run(session, kind, flags)),
    );
  addFlags(
    validate
      .command('gate')
      .argument('<phase>', 'its number')
      .summary('what the gate of a phase would say')
      .description(
        'What the gate of a phase would say of the selection and of the lookback that later phases read, without a backfill. 3: it would wait for a person.',
      ),
  ).action((phase: string, flags: ValidateFlags) => runSession(flags, (session) => run(session, 'gate', flags, readPhase(phase))));
};
