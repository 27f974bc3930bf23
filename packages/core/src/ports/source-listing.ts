// What a warehouse says of the files of a source that it has listed: one answer for every adapter.
import type { Source } from '../domain/pipeline.ts';
import { datePlaceholder, describeFiles, type ListedSource } from '../domain/source-files.ts';
import { WarehouseError } from './warehouse.ts';

/** Throws `source_missing` and `source_mismatch`. `locate` says where a pattern was looked for. */
export const checkListing = <Listed extends ListedSource<{ readonly key: string }>>(
  source: Source,
  listed: Listed,
  locate: (pattern: string) => string,
): Listed => {
  if (listed.mixed.length > 0)
    throw new WarehouseError('source_mismatch', `source ${source.name}: files of different formats were found: ${listed.mixed.map(locate).join(' and ')}`, {
      hint: 'keep the files of one format: those of the other may hold the same dates',
    });
  // What is landed date by date begins with nothing.
  const mayBeEmpty = source.optional === true || source.files.some((pattern) => pattern.includes(datePlaceholder));
  if (listed.files.length > 0 || mayBeEmpty) return listed;
  throw new WarehouseError('source_missing', `source ${source.name}: no file matches ${source.files.map(locate).join(' or ')}`, {
    hint: `put the files there, or correct \`files: ${describeFiles(source)}\` of the source`,
  });
};
