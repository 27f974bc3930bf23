// The end of every command that brings a backfill to its end: the summary or the document, and how to go on after Ctrl-C.
import type { RunOutcome } from './backend.ts';
import type { BackfillOutput } from './output-schema.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { renderSummary } from './render/summary.ts';
import { shown, type Session } from './session.ts';

/** The last table that got rows: what the person most likely wants to look at. */
const exampleTable = (output: BackfillOutput, tables: ReadonlyMap<string, string>): string | undefined => {
  const filled = output.processors.filter(({ tasks }) => (tasks['succeeded'] ?? 0) + (tasks['unchanged'] ?? 0) > 0).at(-1) ?? output.processors.at(-1);
  return filled === undefined ? undefined : tables.get(filled.processor);
};

export const finish = (session: Session, { output, servedBy, detached = false }: RunOutcome, tables: ReadonlyMap<string, string>): ExitCode => {
  const { print, config, flags } = session;
  const interrupted = session.interrupted.aborted && output.state === 'active';
  const exitCode = interrupted ? exitCodes.unknown : detached ? exitCodes.done : (output.exitCode as ExitCode);
  if (print.json) {
    print.document({ ...output, exitCode });
    return exitCode;
  }
  if (detached) {
    print.note(
      `${print.style.paint('green', print.style.signs.ok)} Accepted as ${print.style.bold(output.backfillId)}: ${servedBy ?? 'somebody'} does the work.`,
    );
    print.note(`  follow it  ${print.style.paint('cyan', `npx floodgate watch ${output.backfillId}${flags}`)}`);
    return exitCode;
  }
  if (interrupted && servedBy !== undefined) {
    print.note(`Not watching any more: ${servedBy} goes on with ${output.backfillId}.`);
    print.note(`  look again  ${print.style.paint('cyan', `npx floodgate watch ${output.backfillId}${flags}`)}`);
    return exitCode;
  }
  const lines = renderSummary(
    output,
    {
      shownHome: shown(session, config.home),
      shownWarehouse: config.gcp === undefined ? shown(session, output.warehouse) : `BigQuery, project ${config.gcp.projectId}`,
      isDeployment: config.gcp !== undefined,
      flags,
      width: print.width,
      interrupted,
      table: exampleTable(output, tables),
    },
    print.style,
  );
  print.note(['', ...lines].join('\n'));
  return exitCode;
};
