// tables.*: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables
import { Mutex } from '../mutex.ts';
import { Router, type Request } from 'express';
import type { EmulatorClock } from '../control/emulator-clock.ts';
import type { Dataset, Engine, Table } from '../engine-contract.ts';
import { etagOf } from '../jobs/job-resource.ts';
import type { Quotas } from '../jobs/quotas.ts';
import type { StreamingBuffer } from '../jobs/streaming-buffer.ts';
import { notImplemented } from '../problem.ts';
import type { TableId, TableSchema } from '../types.ts';
import { baseUrlOf, bodyOf, ifMatch, projectOf, queryText } from './call.ts';
import { datasetNotFound, mergeProperties, pickProperties } from './dataset-routes.ts';
import { pageOf, tableNotFound } from './pages.ts';
import { invalid, readOneOf, readOptionalCount, type JsonObject } from './read-json.ts';
import { checkTableId, readTableId } from './references.ts';
import { keptOfTable, readTableBody, writeListedTable, writeTable } from './table-resource.ts';

type Dependencies = { readonly engine: Engine; readonly quotas: Quotas; readonly streaming: StreamingBuffer; readonly clock: EmulatorClock };

export const tableIdOf = (request: Request): TableId => ({
  projectId: projectOf(request),
  datasetId: String(request.params['datasetId']),
  tableId: checkTableId(String(request.params['tableId'])),
});

/** Top-level columns, in the order of the table. */
export const readSelectedFields = (text: string | undefined, schema: TableSchema): readonly string[] | undefined => {
  if (text === undefined) return undefined;
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  const nested = names.find((name) => name.includes('.'));
  if (nested !== undefined) throw notImplemented(`the nested field ${nested} in selectedFields`);
  const unknown = names.find((name) => !schema.fields.some((field) => field.name.toLowerCase() === name));
  if (unknown !== undefined) throw invalid(`No such field: ${unknown}`, 'selectedFields');
  return schema.fields.filter((field) => names.includes(field.name.toLowerCase())).map(({ name }) => name);
};

export const createTableRoutes = ({ engine, quotas, streaming, clock }: Dependencies): Router => {
  const findDataset = (request: Request): Dataset => {
    const id = { projectId: projectOf(request), datasetId: String(request.params['datasetId']) };
    const dataset = engine.datasets.get(id);
    if (dataset === undefined) throw datasetNotFound(id);
    return dataset;
  };
  const find = (request: Request): Table => {
    findDataset(request);
    const table = engine.tables.get(tableIdOf(request));
    if (table === undefined) throw tableNotFound(tableIdOf(request));
    return table;
  };

  const write = async (request: Request, table: Table, options: { readonly stats: boolean; readonly schema?: TableSchema }): Promise<JsonObject> => {
    const stats = options.stats ? await engine.tables.stats(table) : undefined;
    return writeTable(table, {
      baseUrl: baseUrlOf(request),
      location: findDataset(request).location,
      buffer: streaming.of(table),
      schema: options.schema ?? table.schema,
      ...(stats === undefined ? {} : { stats }),
    });
  };

  /** `replace`: PUT, where what is not sent is taken away. */
  const change = (request: Request, replace: boolean): Promise<Table> => turn.run(() => changeAlone(request, replace));
  // One after the other: what is sent is merged with what there was, and whoever reads that meanwhile would take the change back.
  const turn = new Mutex();
  const changeAlone = async (request: Request, replace: boolean): Promise<Table> => {
    const before = find(request);
    const body = bodyOf(request);
    const { partitioning, schema, ...read } = readTableBody(body);
    const clearsExpiration = (replace || Object.hasOwn(body, 'expirationTime')) && read.expiresAt === undefined;
    // Facts about a table that only the server sets stay.
    const own = Object.fromEntries(Object.entries(before.properties).filter(([name]) => !keptOfTable.includes(name)));
    const properties = replace ? { ...own, ...pickProperties(body, keptOfTable) } : mergeProperties(before.properties, body, keptOfTable);
    quotas.updateMetadata(before, before.partitioning !== undefined);
    return await engine.tables.patch(
      tableIdOf(request),
      {
        ...read,
        ...(schema === undefined ? {} : { schema }),
        ...(partitioning === undefined ? {} : { partitioning }),
        ...(clearsExpiration ? { expiresAt: null } : {}),
        ...(replace && read.requirePartitionFilter === undefined ? { requirePartitionFilter: false } : {}),
        properties,
      },
      ifMatch(request),
    );
  };

  const routes = Router();
  const tables = '/projects/:projectId/datasets/:datasetId/tables';
  routes.post(tables, async (request, response) => {
    const { properties: ofDataset } = findDataset(request);
    const body = bodyOf(request);
    const read = readTableBody(body);
    const id = readTableId(body['tableReference'], 'tableReference', projectOf(request));
    if (id.datasetId !== request.params['datasetId'] || id.projectId !== projectOf(request))
      throw invalid('tableReference names another dataset than the path');
    const defaultMs = Number(ofDataset['defaultTableExpirationMs'] ?? 0);
    const table = await engine.tables.create({
      ...id,
      schema: { fields: [] },
      requirePartitionFilter: false,
      ...(defaultMs > 0 ? { expiresAt: clock.now() + defaultMs } : {}),
      ...read,
      properties: pickProperties(body, keptOfTable),
    });
    response.json(await write(request, table, { stats: true }));
  });
  routes.get(tables, (request, response) => {
    const dataset = findDataset(request);
    const all = engine.tables.list(dataset);
    const page = pageOf(all, {
      of: `tables ${dataset.datasetId}`,
      pageToken: queryText(request, 'pageToken'),
      maxResults: readOptionalCount(queryText(request, 'maxResults'), 'maxResults'),
    });
    const listed = page.items.map(writeListedTable);
    response.json({
      kind: 'bigquery#tableList',
      etag: etagOf(listed),
      ...(listed.length === 0 ? {} : { tables: listed }),
      totalItems: all.length,
      ...(page.nextPageToken === undefined ? {} : { nextPageToken: page.nextPageToken }),
    });
  });
  routes.get(`${tables}/:tableId`, async (request, response) => {
    const table = find(request);
    const selected = readSelectedFields(queryText(request, 'selectedFields'), table.schema);
    const view = readOneOf(queryText(request, 'view'), 'view', ['TABLE_METADATA_VIEW_UNSPECIFIED', 'BASIC', 'STORAGE_STATS', 'FULL']);
    response.json(
      await write(request, table, {
        stats: view !== 'BASIC',
        ...(selected === undefined ? {} : { schema: { fields: table.schema.fields.filter(({ name }) => selected.includes(name)) } }),
      }),
    );
  });
  routes.patch(`${tables}/:tableId`, async (request, response) => {
    response.json(await write(request, await change(request, false), { stats: true }));
  });
  routes.put(`${tables}/:tableId`, async (request, response) => {
    response.json(await write(request, await change(request, true), { stats: true }));
  });
  routes.delete(`${tables}/:tableId`, async (request, response) => {
    await engine.tables.delete(find(request));
    response.status(204).end();
  });
  return routes;
};
