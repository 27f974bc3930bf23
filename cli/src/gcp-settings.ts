// What the command line needs of the Google Cloud backend before it is chosen: its settings. Loads no client.
import type { GcpSettings } from '@floodgate/gcp/settings.ts';

export { checkGcpSettings, gcpSettingsOf, gcpSettingsTable } from '@floodgate/gcp/read-gcp-settings.ts';
export type { GcpSettings };

/** How a table becomes a file there. */
export const exportHint = ({ projectId, bucket }: GcpSettings, table: string): string =>
  `BigQuery writes tables itself: bq extract --destination_format PARQUET '${projectId}:${table}' 'gs://${bucket ?? '<bucket>'}/${table.split('.').at(-1) ?? table}-*.parquet'`;
