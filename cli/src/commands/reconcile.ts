// floodgate reconcile: brings back what a crash left half done; --rebuild-ledger makes the ledger say what the tables say,
// --clear-off-calendar empties dates that have left the calendar.
import { addJson, addPipeline, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { renderCommands } from '../render/commands.ts';
import { formatCount, formatDates, plural } from '../render/numbers.ts';
import { renderTable } from '../render/table.ts';
import { currentUser } from '../selection-flags.ts';
import type { Session } from '../session.ts';
import type { ReconcileOutput } from '../warehouse-actions.ts';

type ReconcileFlags = ConfigFlags & { readonly rebuildLedger?: boolean; readonly clearOffCalendar?: boolean };

const renderReport = (report: ReconcileOutput, session: Session): readonly string[] => {
  const { style } = session.print;
  const found: readonly (readonly [number, string])[] = [
    [report.messagesSent, 'messages sent that had been left behind'],
    [report.leasesRecovered, 'leases of dead workers ended'],
    [report.tasksRecovered, 'dates of theirs put back'],
    [report.queuedRecovered, 'dates put back whose dispatch was lost'],
    [report.stagingDropped, 'stagings dropped that nothing refers to'],
    ...(report.ledger?.processors ?? []).flatMap(({ processorId, repaired, vanished }) => [
      [repaired, `entries of ${processorId} made as the commit log says (they count as stale)`] as const,
      [vanished, `entries of ${processorId} removed that the commit log doesn’t have`] as const,
    ]),
  ];
  const rows = found.filter(([count]) => count > 0).map(([count, what]) => [String(count), what]);
  // Who asked for dates to be emptied wants to know of them.
  if (rows.length === 0 && report.cleared !== null) return [];
  return [
    rows.length === 0 ? `${style.paint('green', style.signs.ok)} Nothing had to be put right.` : style.bold('Put right'),
    ...renderTable([{ title: '', align: 'right' }, { title: '' }], rows, style),
    style.dim(`  ${plural(report.backfillsRung, 'active backfill')} and ${plural(report.lanesRung, 'commit lane')} were rung`),
  ];
};

const renderCleared = ({ cleared }: ReconcileOutput, session: Session): readonly string[] => {
  const { style } = session.print;
  if (cleared === null) return [];
  if (cleared.tables.length === 0) return [`${style.paint('green', style.signs.ok)} No table holds rows of dates that have left the calendar.`];
  const rows = cleared.tables.map(({ table, dates, rows: gone }) => [table, `${formatCount(gone)} ${gone === 1 ? 'row' : 'rows'}`, formatDates(dates)]);
  return [
    style.bold('Emptied, since the calendar does not have these dates any more'),
    ...renderTable([{ title: '' }, { title: '', align: 'right' }, { title: '' }], rows, style),
    ...(cleared.stale === 0 ? [] : [`${plural(cleared.stale, 'date')} that had read them ${cleared.stale === 1 ? 'is' : 'are'} stale now.`]),
    '',
    style.bold('What to do'),
    ...renderCommands(
      [
        [`npx floodgate retry${session.flags}`, 'where a backfill was blocked by them: goes on with it'],
        [`npx floodgate backfill --reprocess stale${session.flags}`, 'computes what had read them'],
      ],
      style,
      session.print.width,
    ),
  ];
};

const reconcile = async (session: Session, flags: ReconcileFlags): Promise<ExitCode> => {
  const { print, config } = session;
  const { rebuildLedger = false, clearOffCalendar = false } = flags;
  const input = { rebuildLedger, clearOffCalendar, by: currentUser(), pipelineId: config.pipelineId };
  const report = await (await session.backend()).withWarehouse((actions) => actions.reconcile(input, session.interrupted));
  if (print.json) print.document(report);
  else print.note([...renderReport(report, session), ...renderCleared(report, session)].join('\n'));
  return exitCodes.done;
};

export const registerReconcile: RegisterCommand = (program, run) => {
  const command = program
    .command('reconcile')
    .summary('put right what a crash left half done')
    .description(
      'Sends messages that were left behind, puts back dates of dead workers, drops staging that nothing refers to.\nRunning processes do this every few seconds by themselves.',
    )
    .option('--rebuild-ledger', 'make the ledger say what the commit logs in the warehouse say')
    .option('--clear-off-calendar', 'empty dates that were committed and have left the calendar since, e.g. as a game was postponed');
  addJson(addPipeline(command)).action((flags: ReconcileFlags) => run(flags, (session) => reconcile(session, flags)));
};
