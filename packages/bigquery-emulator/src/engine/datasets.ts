// Datasets as datasets.* of the REST API has them.
import type { Dataset, Engine } from '../engine-contract.ts';
import { BigQueryProblem } from '../problem.ts';
import type { DatasetId } from '../types.ts';
import { datasetKey } from './catalog.ts';
import { dropDataset } from './ddl.ts';
import type { Services } from './run.ts';
import { etagOf } from './table-making.ts';

const describe = ({ projectId, datasetId }: DatasetId): string => `${projectId}:${datasetId}`;

/** Of a dataset or table: If-Match. */
export const assertEtag = (present: string, wanted: string | undefined): void => {
  if (wanted !== undefined && wanted !== present) throw new BigQueryProblem('conditionNotMet', 'Precondition check failed.');
};

export const createDatasets = ({ units }: Services): Engine['datasets'] => {
  const view = (): ReadonlyMap<string, Dataset> => units.catalog.view.datasets;
  return {
    create: ({ projectId, datasetId, location, properties }) =>
      units.atomically(async (unit) => {
        const id = { projectId, datasetId };
        if (unit.view.datasets.has(datasetKey(id))) throw new BigQueryProblem('duplicate', `Already Exists: Dataset ${describe(id)}`);
        const now = units.now;
        const dataset = { ...id, location, properties, createdAt: now, modifiedAt: now, etag: etagOf(units.catalog.nextUid(), 0) };
        unit.changes.push({ kind: 'dataset', id, before: undefined, after: dataset });
        return dataset;
      }),
    get: (id) => view().get(datasetKey(id)),
    projects: () => [...new Set([...view().values()].map(({ projectId }) => projectId))].toSorted(),
    patch: (id, properties, etag) =>
      units.atomically(async (unit) => {
        const before = unit.requireDataset(id);
        assertEtag(before.etag, etag);
        const after = { ...before, properties, modifiedAt: units.now, etag: etagOf(units.catalog.nextUid(), 0) };
        unit.changes.push({ kind: 'dataset', id, before, after });
        return after;
      }),
    list: (projectId) => [...view().values()].filter((dataset) => dataset.projectId === projectId).toSorted((a, b) => (a.datasetId < b.datasetId ? -1 : 1)),
    delete: (id, deleteContents) => units.atomically(async (unit) => dropDataset(unit, unit.requireDataset(id), deleteContents)),
  };
};
