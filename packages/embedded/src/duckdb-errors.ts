// Which of our codes an error of DuckDB has: one pure function over its message, whose first words name the kind.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { WarehouseError, type WarehouseErrorCode } from '@floodgate/core/ports/warehouse.ts';

/** In order: the first that matches decides. Kinds are those of DuckDB 1.5 (`ExceptionTypeToString`). */
const patterns: readonly (readonly [RegExp, WarehouseErrorCode])[] = [
  [/^INTERRUPT Error/i, 'cancelled'],
  [/No space left on device|disk is full|max_temp_directory_size/i, 'disk_full'],
  [/^Out of Memory Error|could not allocate block|failed to allocate|bad_alloc/i, 'out_of_memory'],
  [/Could not set lock on file|Conflicting lock is held|already attached|same database file with a different configuration/i, 'unavailable'],
  [
    /write-write conflict|Transaction conflict|Conflict on (update|tuple deletion)|conflicts? with another transaction|table has been (altered|dropped)|has been altered by a different transaction|cannot (update|delete).*(has been altered|different transaction)/i,
    'transaction_conflict',
  ],
  [
    /No magic bytes found|too small to be a Parquet file|Footer length|failed to read Parquet|Could not read .*parquet|TProtocolException|Invalid Parquet|don't know what type|Failed to read file|Snappy|ZSTD|decompress|Malformed JSON|Out of range reading|Corrupt/i,
    'source_unreadable',
  ],
  [/No files found that match the pattern|Cannot open file/i, 'source_missing'],
  [/^(Parser|Binder|Catalog|Syntax|Not implemented|Parameter Not Allowed|Parameter Not Resolved|Dependency) Error/i, 'invalid_sql'],
  [/^(Conversion|Out of Range|Invalid Input|Invalid Type|Mismatch Type|Divide by Zero|Decimal|Constraint|Invalid) Error/i, 'data_error'],
  [/^(IO|Connection|HTTP) Error/i, 'unavailable'],
  [/^FATAL Error|database has been invalidated|connection (was|has been) closed|instance has been closed/i, 'unavailable'],
  [/^(TransactionContext|Transaction) Error/i, 'transaction_conflict'],
];

const hints: Partial<Record<WarehouseErrorCode, string>> = {
  disk_full: 'free space on the disk of the database file, then replay',
  out_of_memory: 'raise the memory limit of the warehouse, or compute fewer dates at once',
  transaction_conflict: 'somebody else wrote the same rows; it is tried again',
  source_unreadable: 'the file is damaged or still being written: replace it, then replay',
  source_missing: 'put the files where the source expects them, or correct its `files`',
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const classifyDuckDbError = (error: unknown): WarehouseErrorCode => {
  const message = messageOf(error);
  return patterns.find(([pattern]) => pattern.test(message))?.[1] ?? 'unknown';
};

/** Keeps DuckDB's message; an error that is ours already stays as it is. */
/** Errors that have a code already, the warehouse's own or of who yields the rows, stay as they are. */
export const toWarehouseError = (error: unknown): FloodgateError => {
  if (error instanceof FloodgateError) return error;
  const code = classifyDuckDbError(error);
  const hint = hints[code];
  return new WarehouseError(code, messageOf(error), hint === undefined ? { cause: error } : { cause: error, hint });
};
