// Values for a dry run that names parameters without having them: any value of the type shows which filters there are.
import { DuckDBDateValue, DuckDBDecimalValue, DuckDBTimestampTZValue, DuckDBTimestampValue, DuckDBTimeValue, type DuckDBValue } from '@duckdb/node-api';
import type { Parameters, ParameterTypes } from '../statement.ts';
import type { SqlType } from '../types.ts';

const sampleOf = (type: SqlType): DuckDBValue => {
  switch (type.kind) {
    case 'INT64':
      return 1n;
    case 'FLOAT64':
      return 1;
    case 'NUMERIC':
      return new DuckDBDecimalValue(1_000_000_000n, 38, 9);
    case 'BOOL':
      return true;
    case 'STRING':
      return '1';
    case 'DATE':
      return new DuckDBDateValue(19_723);
    case 'DATETIME':
      return new DuckDBTimestampValue(1_704_067_200_000_000n);
    case 'TIMESTAMP':
      return new DuckDBTimestampTZValue(1_704_067_200_000_000n);
    case 'TIME':
      return new DuckDBTimeValue(1n);
    case 'JSON':
      return '1';
    case 'BYTES':
    case 'ARRAY':
    case 'STRUCT':
      return null;
  }
};

export const sampleBindings = (types: ParameterTypes): Parameters => new Map([...types].map(([name, type]) => [name, { type, value: sampleOf(type) }]));
