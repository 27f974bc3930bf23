// datasets.*: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets
import { Router, type Request } from 'express';
import type { Dataset, Engine } from '../engine-contract.ts';
import { etagOf } from '../jobs/job-resource.ts';
import { Mutex } from '../mutex.ts';
import { BigQueryProblem } from '../problem.ts';
import type { DatasetId } from '../types.ts';
import { baseUrlOf, bodyOf, ifMatch, projectOf, queryText } from './call.ts';
import { pageOf } from './pages.ts';
import {
  checkFields,
  invalid,
  only,
  onlyEmpty,
  readOptionalBoolean,
  readOptionalCount,
  readOptionalObject,
  readOptionalText,
  type FieldRules,
  type JsonObject,
} from './read-json.ts';
import { readDatasetId, readLabels } from './references.ts';

const fields: FieldRules = {
  datasetReference: 'known',
  location: 'known',
  labels: 'known',
  description: 'known',
  friendlyName: 'known',
  defaultTableExpirationMs: 'known',
  // Kept, without effect: there is one caller and no history here.
  access: 'known',
  resourceTags: 'known',
  maxTimeTravelHours: 'known',
  storageBillingModel: 'known',
  kind: 'harmless',
  id: 'harmless',
  etag: 'harmless',
  selfLink: 'harmless',
  creationTime: 'harmless',
  lastModifiedTime: 'harmless',
  type: 'harmless',
  tags: 'harmless',
  satisfiesPzs: 'harmless',
  satisfiesPzi: 'harmless',
  isCaseInsensitive: only(false),
  defaultCollation: only(''),
  defaultRoundingMode: only('ROUNDING_MODE_UNSPECIFIED', 'ROUND_HALF_AWAY_FROM_ZERO'),
  defaultPartitionExpirationMs: only('0', 0),
  linkedDatasetSource: onlyEmpty,
};
const kept = ['labels', 'description', 'friendlyName', 'defaultTableExpirationMs', 'access', 'resourceTags', 'maxTimeTravelHours', 'storageBillingModel'];

const datasetIdOf = (request: Request): DatasetId => ({ projectId: projectOf(request), datasetId: String(request.params['datasetId']) });
export const datasetNotFound = ({ projectId, datasetId }: DatasetId): BigQueryProblem =>
  new BigQueryProblem('notFound', `Not found: Dataset ${projectId}:${datasetId}`);
const referenceOf = ({ projectId, datasetId }: DatasetId): JsonObject => ({ projectId, datasetId });

const writeDataset = (dataset: Dataset, baseUrl: string): JsonObject => ({
  kind: 'bigquery#dataset',
  etag: dataset.etag,
  id: `${dataset.projectId}:${dataset.datasetId}`,
  selfLink: `${baseUrl}/bigquery/v2/projects/${dataset.projectId}/datasets/${dataset.datasetId}`,
  datasetReference: referenceOf(dataset),
  location: dataset.location,
  creationTime: String(dataset.createdAt),
  lastModifiedTime: String(dataset.modifiedAt),
  type: 'DEFAULT',
  ...dataset.properties,
});

const checkProperties = (properties: JsonObject): JsonObject => {
  readLabels(properties['labels'], 'labels');
  const expirationMs = readOptionalCount(properties['defaultTableExpirationMs'], 'defaultTableExpirationMs') ?? 0;
  // https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets#Dataset.FIELDS.default_table_expiration_ms
  if (expirationMs !== 0 && expirationMs < 3_600_000) throw invalid('The default table expiration time has to be at least 3600000 milliseconds');
  return { ...properties, ...(expirationMs === 0 ? {} : { defaultTableExpirationMs: String(expirationMs) }) };
};

/** What a PATCH leaves: null takes a field away, labels are merged one by one. */
export const mergeProperties = (before: JsonObject, body: JsonObject, names: readonly string[]): JsonObject => {
  const merged: Record<string, unknown> = { ...before };
  for (const name of names) {
    if (!Object.hasOwn(body, name)) continue;
    const value = body[name];
    if (value === null) delete merged[name];
    else if (name === 'labels') {
      const labels = { ...(before['labels'] as JsonObject | undefined), ...readOptionalObject(value, name) };
      merged[name] = Object.fromEntries(Object.entries(labels).filter(([, label]) => label !== null));
    } else merged[name] = value;
  }
  return merged;
};
export const pickProperties = (body: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(names.filter((name) => body[name] !== undefined && body[name] !== null).map((name) => [name, body[name]]));

/** `labels.key`, `labels.key:value`, several divided by spaces: https://docs.cloud.google.com/bigquery/docs/filtering-labels */
const matchesFilter = ({ properties }: Dataset, filter: string | undefined): boolean =>
  (filter ?? '').split(/\s+/).every((term) => {
    if (term === '' || term === 'AND') return true;
    const [, key, value] = /^labels\.([^:]+)(?::(.*))?$/.exec(term) ?? [];
    if (key === undefined) throw invalid(`Invalid filter expression: ${term}`);
    const label = (properties['labels'] as Readonly<Record<string, string>> | undefined)?.[key];
    return label !== undefined && (value === undefined || value === '' || value === label);
  });

export const createDatasetRoutes = ({ engine }: { readonly engine: Engine }): Router => {
  const find = (request: Request): Dataset => {
    const dataset = engine.datasets.get(datasetIdOf(request));
    if (dataset === undefined) throw datasetNotFound(datasetIdOf(request));
    return dataset;
  };
  type Merge = (before: Dataset, body: JsonObject) => JsonObject;
  const change = (request: Request, merge: Merge): Promise<Dataset> => turn.run(() => changeAlone(request, merge));
  // As for tables: changes are made one after the other, so that none takes another back.
  const turn = new Mutex();
  const changeAlone = async (request: Request, merge: Merge): Promise<Dataset> => {
    const before = find(request);
    const body = bodyOf(request);
    checkFields('', body, fields);
    const location = readOptionalText(body['location'], 'location');
    if (location !== undefined && location.toUpperCase() !== before.location.toUpperCase()) throw invalid('Dataset location cannot be changed');
    return await engine.datasets.patch(datasetIdOf(request), checkProperties(merge(before, body)), ifMatch(request));
  };

  const routes = Router();
  routes.post('/projects/:projectId/datasets', async (request, response) => {
    const body = bodyOf(request);
    checkFields('', body, fields);
    const id = readDatasetId(body['datasetReference'], 'datasetReference', projectOf(request));
    const dataset = await engine.datasets.create({
      ...id,
      location: readOptionalText(body['location'], 'location') ?? 'US',
      properties: checkProperties(pickProperties(body, kept)),
    });
    response.json(writeDataset(dataset, baseUrlOf(request)));
  });
  routes.get('/projects/:projectId/datasets', (request, response) => {
    const filter = queryText(request, 'filter');
    const all = engine.datasets.list(projectOf(request)).filter((dataset) => matchesFilter(dataset, filter));
    const page = pageOf(all, {
      of: 'datasets',
      pageToken: queryText(request, 'pageToken'),
      maxResults: readOptionalCount(queryText(request, 'maxResults'), 'maxResults'),
    });
    const datasets = page.items.map((dataset) => ({
      kind: 'bigquery#dataset',
      id: `${dataset.projectId}:${dataset.datasetId}`,
      datasetReference: referenceOf(dataset),
      location: dataset.location,
      ...pickProperties(dataset.properties, ['labels', 'friendlyName']),
    }));
    response.json({
      kind: 'bigquery#datasetList',
      etag: etagOf(datasets),
      ...(datasets.length === 0 ? {} : { datasets }),
      ...(page.nextPageToken === undefined ? {} : { nextPageToken: page.nextPageToken }),
    });
  });
  routes.get('/projects/:projectId/datasets/:datasetId', (request, response) => {
    response.json(writeDataset(find(request), baseUrlOf(request)));
  });
  routes.patch('/projects/:projectId/datasets/:datasetId', async (request, response) => {
    response.json(writeDataset(await change(request, ({ properties }, body) => mergeProperties(properties, body, kept)), baseUrlOf(request)));
  });
  routes.put('/projects/:projectId/datasets/:datasetId', async (request, response) => {
    response.json(writeDataset(await change(request, (_before, body) => pickProperties(body, kept)), baseUrlOf(request)));
  });
  routes.delete('/projects/:projectId/datasets/:datasetId', async (request, response) => {
    find(request);
    await engine.datasets.delete(datasetIdOf(request), readOptionalBoolean(queryText(request, 'deleteContents'), 'deleteContents') ?? false);
    response.status(204).end();
  });
  return routes;
};
