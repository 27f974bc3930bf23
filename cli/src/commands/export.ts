// floodgate export: a table as a file, complete or not there at all.
import { rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { nearestName } from '@floodgate/core/domain/nearest-name.ts';
import { addHome, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { formatBytes, plural } from '../render/numbers.ts';
import { exportHint } from '../gcp-settings.ts';
import { refuseBackend } from '../refuse-backend.ts';
import { shown, type Session } from '../session.ts';
import type { WarehouseActions } from '../warehouse-actions.ts';

type ExportFlags = ConfigFlags & { readonly to?: string; readonly format?: string; readonly force?: boolean };

const formatOf = (flags: ExportFlags): 'parquet' | 'csv' => {
  const text = flags.format ?? /\.(\w+)$/.exec(flags.to ?? '')?.[1]?.toLowerCase() ?? 'parquet';
  if (text === 'parquet' || text === 'csv') return text;
  throw new FloodgateError('usage', `--format: expected parquet or csv, found "${text}"`, {
    hint: flags.format === undefined ? `it was taken from the name ${flags.to ?? ''}; say it with --format` : 'write --format parquet or --format csv',
  });
};

/** `player_game_summary` will do where one dataset only has such a table. */
const findTable = async (actions: WarehouseActions, name: string, signal: AbortSignal): Promise<string> => {
  const tables = (await actions.tables(null, signal)).map(({ table }) => table);
  const hit = tables.filter((table) => table === name || table.endsWith(`.${name}`));
  if (hit.length === 1 && hit[0] !== undefined) return hit[0];
  const near = nearestName(name, [...tables, ...tables.map((table) => table.split('.').at(-1) ?? '')]);
  const choice =
    hit.length > 1
      ? `it could be ${hit.join(' or ')}`
      : tables.length === 0
        ? 'there are no tables yet'
        : near === undefined
          ? `there are ${tables.join(', ')}`
          : `did you mean ${near}?`;
  throw new FloodgateError('unknown_table', `there is no table "${name}"; ${choice}`);
};

const exportTable = async (session: Session, name: string, flags: ExportFlags): Promise<ExitCode> => {
  const { print, interrupted, workingFolder, config } = session;
  if (config.gcp !== undefined) refuseBackend(session, 'export', exportHint(config.gcp, name));
  const format = formatOf(flags);
  const path = resolve(workingFolder, flags.to ?? `${name.split('.').at(-1) ?? name}.${format}`);
  if (flags.force !== true && (await stat(path).catch(() => undefined)) !== undefined)
    throw new FloodgateError('file_exists', `${shown(session, path)} exists`, { hint: 'choose another name with --to, or replace it with --force' });
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (folder?.isDirectory() !== true) throw new FloodgateError('usage', `--to: there is no folder ${shown(session, dirname(path))}`);
  const unfinished = `${path}.unfinished.${format}`;
  try {
    const { table, rows } = await (
      await session.backend()
    ).withWarehouse(async (actions) => {
      const table = await findTable(actions, name, interrupted);
      return { table, rows: (await actions.exportTable({ table, format, path: unfinished }, interrupted)).rows };
    });
    await rename(unfinished, path);
    const { size } = await stat(path);
    print.note(`${print.style.paint('green', print.style.signs.ok)} ${plural(rows, 'row')} of ${table} in ${shown(session, path)} (${formatBytes(size)})`);
  } finally {
    await rm(unfinished, { force: true });
  }
  return exitCodes.done;
};

export const registerExport: RegisterCommand = (program, run) => {
  const command = program
    .command('export')
    .argument('<table>', 'e.g. nba_analytics.player_game_summary')
    .summary('write a table to Parquet or CSV')
    .description('Writes a table’s rows to a file, ordered by its columns, without the columns that Floodgate adds. Works while a backfill runs.')
    .option('--to <file>', 'default: the table’s name in the current folder')
    .option('--format <format>', 'parquet or csv (default: from the name, else parquet)')
    .option('--force', 'replace the file');
  addHome(command).action((table: string, flags: ExportFlags) => run(flags, (session) => exportTable(session, table, flags)));
};
