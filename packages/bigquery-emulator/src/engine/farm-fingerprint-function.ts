// FARM_FINGERPRINT, which DuckDB doesn't have, as a function of JavaScript that DuckDB calls.
import { BIGINT, BLOB, DuckDBBlobValue, DuckDBScalarFunction, type DuckDBInstance } from '@duckdb/node-api';
import { farmFingerprint } from '@floodgate/sql/farm-fingerprint.ts';

/** For every connection of the instance. */
export const registerFarmFingerprint = async (instance: DuckDBInstance): Promise<void> => {
  const connection = await instance.connect();
  try {
    connection.registerScalarFunction(
      DuckDBScalarFunction.create({
        // The name that the translation has for it.
        name: 'fg_farm_fingerprint',
        parameterTypes: [BLOB],
        returnType: BIGINT,
        mainFunction: (_info, input, output) => {
          const bytes = input.getColumnVector(0);
          for (let row = 0; row < input.rowCount; row += 1) {
            const value = bytes.getItem(row);
            output.setItem(row, value instanceof DuckDBBlobValue ? farmFingerprint(value.bytes) : null);
          }
          output.flush();
        },
      }),
    );
  } finally {
    connection.closeSync();
  }
};
