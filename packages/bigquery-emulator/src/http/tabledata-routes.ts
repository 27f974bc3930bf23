// tabledata.list and insertAll: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tabledata
import { Router, type Request } from 'express';
import type { EmulatorClock } from '../control/emulator-clock.ts';
import type { Engine, Table } from '../engine-contract.ts';
import { etagOf } from '../jobs/job-resource.ts';
import { refuseSnapshot } from '../jobs/run-statement.ts';
import type { StreamingBuffer } from '../jobs/streaming-buffer.ts';
import { formatTableId } from '../types.ts';
import { bodyOf, queryText } from './call.ts';
import { readPageToken, readRowPage, tableNotFound, writePageToken } from './pages.ts';
import { checkFields, invalid, only, readObject, readOneOf, readOptionalBoolean, readOptionalCount, readOptionalText, type JsonObject } from './read-json.ts';
import { readSelectedFields, tableIdOf } from './table-routes.ts';

type Dependencies = { readonly engine: Engine; readonly streaming: StreamingBuffer; readonly clock: EmulatorClock; readonly limits: boolean };

/** https://docs.cloud.google.com/bigquery/docs/streaming-data-into-bigquery#dataconsistency: remembered for a minute at least. */
const insertIdLifeMs = 60_000;
/** https://docs.cloud.google.com/bigquery/quotas#streaming_inserts */
const maxRowsPerRequest = 50_000;

type Row = { readonly insertId: string | undefined; readonly json: JsonObject };

export const createTabledataRoutes = ({ engine, streaming, clock, limits }: Dependencies): Router => {
  // Per table, in the order in which they came, so that the old ones are in front.
  const insertIds = new Map<string, Map<string, number>>();
  const recentIds = (table: Table): Map<string, number> => {
    // A table that was made anew knows nothing of the ids of the one before it.
    const key = `${formatTableId(table)} ${table.createdAt}`;
    const ids = insertIds.get(key) ?? new Map<string, number>();
    insertIds.set(key, ids);
    for (const [id, at] of ids) {
      if (clock.now() - at < insertIdLifeMs) break;
      ids.delete(id);
    }
    return ids;
  };
  const find = (request: Request): Table => {
    const table = engine.tables.get(tableIdOf(request));
    if (table === undefined) throw tableNotFound(tableIdOf(request));
    return table;
  };

  const readRows = (value: unknown): readonly Row[] => {
    if (!Array.isArray(value) || value.length === 0) throw invalid('No rows present in the request.');
    if (limits && value.length > maxRowsPerRequest)
      throw invalid(`too many rows present in the request, limit: ${maxRowsPerRequest} row count: ${value.length}.`);
    return value.map((item, index) => {
      const row = readObject(item, `rows[${index}]`);
      checkFields(`rows[${index}]`, row, { insertId: 'known', json: 'known' });
      return { insertId: readOptionalText(row['insertId'], `rows[${index}].insertId`), json: readObject(row['json'], `rows[${index}].json`) };
    });
  };

  const insertAll = async (
    table: Table,
    rows: readonly Row[],
    options: { readonly skipInvalid: boolean; readonly ignoreUnknown: boolean },
  ): Promise<readonly JsonObject[]> => {
    const ids = recentIds(table);
    const now = clock.now();
    const fresh: { readonly row: Row; readonly index: number }[] = [];
    // Taken before the rows are written, so that a second call with the same ids at the same time writes nothing.
    for (const [index, row] of rows.entries()) {
      if (row.insertId !== undefined && ids.has(row.insertId)) continue;
      if (row.insertId !== undefined) ids.set(row.insertId, now);
      fresh.push({ row, index });
    }
    const giveBack = (written: (position: number) => boolean): void => {
      for (const [position, { row }] of fresh.entries()) if (!written(position) && row.insertId !== undefined) ids.delete(row.insertId);
    };
    try {
      if (fresh.length === 0) return [];
      const problems = await engine.tables.insertAll(
        table,
        fresh.map(({ row }) => row.json),
        options,
      );
      const bad = new Set(problems.map(({ index }) => index));
      const isWritten = (position: number): boolean => !bad.has(position) && (options.skipInvalid || bad.size === 0);
      giveBack(isWritten);
      const written = fresh.filter((_, position) => isWritten(position));
      streaming.add(
        table,
        written.length,
        written.reduce((sum, { row }) => sum + JSON.stringify(row.json).length, 0),
      );
      const errors = problems.map(({ index, errors }) => ({
        index: fresh[index]?.index ?? index,
        errors: errors.map((error) => ({ ...error, debugInfo: '' })),
      }));
      // One bad row stops the others, and BigQuery says so of each.
      const stopped =
        options.skipInvalid || bad.size === 0
          ? []
          : fresh
              .filter((_, position) => !bad.has(position))
              .map(({ index }) => ({ index, errors: [{ reason: 'stopped', location: '', debugInfo: '', message: '' }] }));
      return [...errors, ...stopped];
    } catch (error) {
      giveBack(() => false);
      throw error;
    }
  };

  const routes = Router();
  const table = '/projects/:projectId/datasets/:datasetId/tables/:tableId';
  routes.get(`${table}/data`, async (request, response) => {
    const found = find(request);
    const id = formatTableId(found);
    const fields = readSelectedFields(queryText(request, 'selectedFields'), found.schema);
    const format = readOneOf(queryText(request, 'formatOptions.timestampOutputFormat'), 'formatOptions.timestampOutputFormat', [
      'TIMESTAMP_OUTPUT_FORMAT_UNSPECIFIED',
      'FLOAT64',
      'INT64',
      'ISO8601_STRING',
    ]);
    checkFields('formatOptions', { timestampOutputFormat: format }, { timestampOutputFormat: only('TIMESTAMP_OUTPUT_FORMAT_UNSPECIFIED', 'FLOAT64', 'INT64') });
    const pageToken = queryText(request, 'pageToken');
    const page = await readRowPage(engine, found, {
      startIndex: pageToken === undefined ? (readOptionalCount(queryText(request, 'startIndex'), 'startIndex') ?? 0) : readPageToken(pageToken, id),
      maxResults: readOptionalCount(queryText(request, 'maxResults'), 'maxResults'),
      useInt64Timestamp:
        (readOptionalBoolean(queryText(request, 'formatOptions.useInt64Timestamp'), 'formatOptions.useInt64Timestamp') ?? false) || format === 'INT64',
      limits,
      ...(fields === undefined ? {} : { fields }),
    });
    response.json({
      kind: 'bigquery#tableDataList',
      etag: etagOf([id, page.totalRows]),
      totalRows: String(page.totalRows),
      ...(page.rows.length === 0 ? {} : { rows: page.rows }),
      ...(page.nextIndex === undefined ? {} : { pageToken: writePageToken(id, page.nextIndex) }),
    });
  });
  routes.post(`${table}/insertAll`, async (request, response) => {
    const found = find(request);
    const body = bodyOf(request);
    checkFields('', body, { kind: 'harmless', skipInvalidRows: 'known', ignoreUnknownValues: 'known', rows: 'known', traceId: 'harmless' });
    refuseSnapshot(engine, found);
    const insertErrors = await insertAll(found, readRows(body['rows']), {
      skipInvalid: readOptionalBoolean(body['skipInvalidRows'], 'skipInvalidRows') ?? false,
      ignoreUnknown: readOptionalBoolean(body['ignoreUnknownValues'], 'ignoreUnknownValues') ?? false,
    });
    response.json({ kind: 'bigquery#tableDataInsertAllResponse', ...(insertErrors.length === 0 ? {} : { insertErrors }) });
  });
  return routes;
};
