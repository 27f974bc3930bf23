// floodgate reconcile: brings back what a crash left half done; --rebuild-ledger makes the ledger say what the tables say.
import { addJson, addPipeline, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { plural } from '../render/numbers.ts';
import { renderTable } from '../render/table.ts';
import type { Session } from '../session.ts';
import type { ReconcileOutput } from '../warehouse-actions.ts';

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
  return [
    rows.length === 0 ? `${style.paint('green', style.signs.ok)} Nothing had to be put right.` : style.bold('Put right'),
    ...renderTable([{ title: '', align: 'right' }, { title: '' }], rows, style),
    style.dim(`  ${plural(report.backfillsRung, 'active backfill')} and ${plural(report.lanesRung, 'commit lane')} were rung`),
  ];
};

const reconcile = async (session: Session, rebuildLedger: boolean): Promise<ExitCode> => {
  const { print, config } = session;
  const report = await (
    await session.backend()
  ).withWarehouse((actions) => actions.reconcile({ rebuildLedger, pipelineId: config.pipelineId }, session.interrupted));
  if (print.json) print.document(report);
  else print.note(renderReport(report, session).join('\n'));
  return exitCodes.done;
};

export const registerReconcile: RegisterCommand = (program, run) => {
  const command = program
    .command('reconcile')
    .summary('put right what a crash left half done')
    .description(
      'Sends messages that were left behind, puts back dates of dead workers, drops staging that nothing refers to.\nRunning processes do this every few seconds by themselves.',
    )
    .option('--rebuild-ledger', 'make the ledger say what the commit logs in the warehouse say');
  addJson(addPipeline(command)).action((flags: ConfigFlags & { readonly rebuildLedger?: boolean }) =>
    run(flags, (session) => reconcile(session, flags.rebuildLedger ?? false)),
  );
};
