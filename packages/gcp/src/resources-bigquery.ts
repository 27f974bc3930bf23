// Datasets: made where they are missing, and what in them would lose rows or stop a job.
import type { BigQuery } from '@google-cloud/bigquery';
import { bounded, ensure, inspect } from './resource-report.ts';
import type { Difference, EnsuredResource } from './resource-report.ts';

export type DeclaredDataset = {
  readonly name: string;
  /** target: tables of processors, which must stay; staging: each table is given its own expiration. */
  readonly use: 'staging' | 'target';
};

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

export const ensureDatasets = (
  bigquery: BigQuery,
  datasets: readonly DeclaredDataset[],
  location: string,
  signal: AbortSignal,
): Promise<readonly EnsuredResource[]> =>
  Promise.all(datasets.map(({ name }) => ensure(`dataset ${name}`, () => bigquery.createDataset(name, { location }), signal)));

/** The part of a dataset's resource that matters here; numbers come as text. */
type DatasetMetadata = { readonly location?: string; readonly defaultTableExpirationMs?: string; readonly defaultPartitionExpirationMs?: string };

const describeMs = (ms: number): string => (ms % dayMs === 0 ? `${ms / dayMs} days` : `${ms / hourMs} hours`);

export const compareDataset = (
  { name, use }: DeclaredDataset,
  found: DatasetMetadata,
  { location, projectId }: { readonly location: string; readonly projectId: string },
): readonly Omit<Difference, 'resource'>[] => {
  const findings: Omit<Difference, 'resource'>[] = [];
  if ((found.location ?? '').toUpperCase() !== location.toUpperCase()) {
    findings.push({
      problem: `location: expected ${location}, found ${found.location}: a job runs in one location and sees only what lies there`,
      hint: `set FLOODGATE_GCP_LOCATION=${found.location} if all datasets lie there; a dataset can't be moved, only copied into a new one`,
    });
  }
  const tableMs = Number(found.defaultTableExpirationMs ?? 0);
  if (use === 'target' && tableMs > 0) {
    findings.push({
      problem: `default table expiration: expected none, found ${describeMs(tableMs)}: tables of processors would be deleted, commit logs too`,
      hint: `bq update --default_table_expiration 0 ${projectId}:${name}; tables that are there keep theirs: bq update --expiration 0 ${projectId}:${name}.<table>`,
    });
  }
  const partitionMs = Number(found.defaultPartitionExpirationMs ?? 0);
  // Of staged dates of years ago, each would be older than its expiration at once.
  if (partitionMs > 0) {
    findings.push({
      problem: `default partition expiration: expected none, found ${describeMs(partitionMs)}: rows of older dates would disappear as soon as they are written`,
      hint: `bq update --default_partition_expiration 0 ${projectId}:${name}; tables that are there keep theirs: bq update --time_partitioning_expiration 0 ${projectId}:${name}.<table>`,
    });
  }
  return findings;
};

export const inspectDatasets = async (
  bigquery: BigQuery,
  datasets: readonly DeclaredDataset[],
  { location, projectId }: { readonly location: string; readonly projectId: string },
  signal: AbortSignal,
): Promise<readonly Difference[]> => {
  const ofDatasets = datasets.map((declared) =>
    inspect(
      `dataset ${declared.name}`,
      { missing: `bq --location=${location} mk --dataset ${projectId}:${declared.name}`, denied: 'grant roles/bigquery.dataEditor on it' },
      async () => {
        const [found] = await bounded(bigquery.dataset(declared.name).getMetadata(), signal);
        return compareDataset(declared, found as DatasetMetadata, { location, projectId });
      },
      signal,
    ),
  );
  // A dry run costs nothing and tells what no question of permissions does: whether this identity may run a job here.
  const ofJobs = inspect(
    'BigQuery jobs',
    { missing: `is ${location} a location of BigQuery, and ${projectId} the project?`, denied: `grant roles/bigquery.jobUser in ${projectId}` },
    async () => {
      await bounded(bigquery.createQueryJob({ query: 'SELECT 1', location, dryRun: true }), signal);
      return [];
    },
    signal,
  );
  return (await Promise.all([...ofDatasets, ofJobs])).flat();
};
