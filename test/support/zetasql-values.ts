/**
 * Values and types of GoogleSQL as its gRPC service writes them, and as tests read them:
 * INT64 bigint, FLOAT64 number, NUMERIC a decimal string, BYTES a hex string `0x..`, DATE `2024-01-31`,
 * DATETIME and TIMESTAMP (UTC) `2024-01-31 10:00:00.000000`, ARRAY an array, STRUCT an object, NULL null.
 */
export type Cell = null | bigint | number | string | boolean | readonly Cell[] | { readonly [field: string]: Cell };
/** A cell as a test may write it: a whole number for INT64 too. */
export type CellInput = Cell;

interface ProtoStruct {
  readonly field?: readonly { readonly fieldName: string; readonly fieldType: ProtoType }[];
}
export interface ProtoType {
  readonly typeKind: string;
  readonly arrayType?: { readonly elementType: ProtoType } | null;
  readonly structType?: ProtoStruct | null;
}
/** A ValueProto; which key is filled says what it is, none is NULL. */
export type ProtoValue = Readonly<Record<string, unknown>>;

const KINDS: Readonly<Record<string, string>> = {
  BOOL: 'TYPE_BOOL',
  BYTES: 'TYPE_BYTES',
  DATE: 'TYPE_DATE',
  DATETIME: 'TYPE_DATETIME',
  FLOAT64: 'TYPE_DOUBLE',
  INT64: 'TYPE_INT64',
  NUMERIC: 'TYPE_NUMERIC',
  STRING: 'TYPE_STRING',
  TIMESTAMP: 'TYPE_TIMESTAMP',
  TIME: 'TYPE_TIME',
};

/** Reads `INT64`, `ARRAY<STRING>`; STRUCT columns are not needed in tables given to tests. */
export function toProtoType(type: string): ProtoType {
  const element = /^ARRAY<(.*)>$/u.exec(type.trim());
  if (element !== null) return { typeKind: 'TYPE_ARRAY', arrayType: { elementType: toProtoType(element[1] as string) } };
  const typeKind = KINDS[type.trim().toUpperCase()];
  if (typeKind === undefined) throw new Error(`no GoogleSQL type for tests: ${type}`);
  return { typeKind };
}

export function typeName({ typeKind, arrayType, structType }: ProtoType): string {
  if (arrayType) return `ARRAY<${typeName(arrayType.elementType)}>`;
  if (structType) return `STRUCT<${(structType.field ?? []).map((field) => `${field.fieldName} ${typeName(field.fieldType)}`.trim()).join(', ')}>`;
  return Object.entries(KINDS).find(([, kind]) => kind === typeKind)?.[0] ?? typeKind.replace('TYPE_', '');
}

const DAY_MS = 86_400_000;

export function toProtoValue(cell: CellInput, type: ProtoType): ProtoValue {
  if (cell === null) return {};
  switch (type.typeKind) {
    case 'TYPE_INT64':
      return { int64Value: String(cell) };
    case 'TYPE_DOUBLE':
      return { doubleValue: Number(cell) };
    case 'TYPE_BOOL':
      return { boolValue: cell };
    case 'TYPE_STRING':
      return { stringValue: cell };
    case 'TYPE_BYTES':
      return { bytesValue: Buffer.from(String(cell).replace(/^0x/u, ''), 'hex') };
    case 'TYPE_DATE':
      return { dateValue: Math.round(Date.parse(`${String(cell)}T00:00:00Z`) / DAY_MS) };
    case 'TYPE_TIMESTAMP':
      return { timestampValue: { seconds: String(Math.floor(toMillis(String(cell)) / 1000)), nanos: toNanos(String(cell)) } };
    case 'TYPE_DATETIME':
      return { datetimeValue: { bitFieldDatetimeSeconds: encodeDatetime(String(cell)), nanos: toNanos(String(cell)) } };
    case 'TYPE_NUMERIC':
      return { numericValue: encodeNumeric(String(cell)) };
    case 'TYPE_ARRAY': {
      const elementType = type.arrayType?.elementType as ProtoType;
      return { arrayValue: { element: (cell as readonly Cell[]).map((element) => toProtoValue(element, elementType)) } };
    }
    default:
      throw new Error(`values of ${type.typeKind} cannot be given`);
  }
}

export function fromProtoValue(value: ProtoValue, type: ProtoType): Cell {
  const filled = (key: string): boolean => value[key] !== undefined && value[key] !== null;
  switch (type.typeKind) {
    case 'TYPE_INT64':
      return filled('int64Value') ? BigInt(value['int64Value'] as string) : null;
    case 'TYPE_DOUBLE':
      return filled('doubleValue') ? Number(value['doubleValue']) : null;
    case 'TYPE_BOOL':
      return filled('boolValue') ? (value['boolValue'] as boolean) : null;
    case 'TYPE_STRING':
      return filled('stringValue') ? (value['stringValue'] as string) : null;
    case 'TYPE_BYTES':
      return filled('bytesValue') ? `0x${Buffer.from(value['bytesValue'] as Uint8Array).toString('hex')}` : null;
    case 'TYPE_DATE':
      return filled('dateValue') ? new Date(Number(value['dateValue']) * DAY_MS).toISOString().slice(0, 10) : null;
    case 'TYPE_TIMESTAMP':
      return filled('timestampValue') ? decodeTimestamp(value['timestampValue'] as { seconds?: string; nanos?: number }) : null;
    case 'TYPE_DATETIME':
      return filled('datetimeValue') ? decodeDatetime(value['datetimeValue'] as { bitFieldDatetimeSeconds: string; nanos?: number }) : null;
    case 'TYPE_NUMERIC':
      return filled('numericValue') ? decodeNumeric(value['numericValue'] as Uint8Array) : null;
    case 'TYPE_ARRAY': {
      if (!filled('arrayValue')) return null;
      const elementType = type.arrayType?.elementType as ProtoType;
      return ((value['arrayValue'] as { element?: ProtoValue[] }).element ?? []).map((element) => fromProtoValue(element, elementType));
    }
    case 'TYPE_STRUCT': {
      if (!filled('structValue')) return null;
      const values = (value['structValue'] as { field?: ProtoValue[] }).field ?? [];
      return Object.fromEntries((type.structType?.field ?? []).map((field, index) => [field.fieldName, fromProtoValue(values[index] ?? {}, field.fieldType)]));
    }
    default:
      throw new Error(`values of ${type.typeKind} cannot be read`);
  }
}

function toMillis(text: string): number {
  return Date.parse(`${text.slice(0, 19).replace(' ', 'T')}Z`);
}

function toNanos(text: string): number {
  return Number((/\.(\d+)/u.exec(text)?.[1] ?? '').padEnd(9, '0').slice(0, 9));
}

function fraction(nanos: number | undefined): string {
  return String(Math.trunc((nanos ?? 0) / 1000)).padStart(6, '0');
}

function decodeTimestamp({ seconds, nanos }: { seconds?: string; nanos?: number }): string {
  return `${new Date(Number(seconds ?? 0) * 1000).toISOString().slice(0, 19).replace('T', ' ')}.${fraction(nanos)}`;
}

/** Bit fields from the top: year, month (4 bits), day (5), hour (5), minute (6), second (6). */
function encodeDatetime(text: string): string {
  const [year, month, day, hour, minute, second] = text
    .slice(0, 19)
    .split(/[- T:]/u)
    .map(BigInt) as [bigint, bigint, bigint, bigint, bigint, bigint];
  return String((((((((((year << 4n) | month) << 5n) | day) << 5n) | hour) << 6n) | minute) << 6n) | second);
}

function decodeDatetime({ bitFieldDatetimeSeconds, nanos }: { bitFieldDatetimeSeconds: string; nanos?: number }): string {
  let bits = BigInt(bitFieldDatetimeSeconds);
  const take = (width: bigint): string => {
    const part = bits & ((1n << width) - 1n);
    bits >>= width;
    return String(part).padStart(2, '0');
  };
  const [second, minute, hour, day, month] = [take(6n), take(6n), take(5n), take(5n), take(4n)];
  return `${String(bits).padStart(4, '0')}-${month}-${day} ${hour}:${minute}:${second}.${fraction(nanos)}`;
}

const NUMERIC_SCALE = 1_000_000_000n;

/** NUMERIC is an integer of billionths in two's complement, little end first. */
function encodeNumeric(text: string): Buffer {
  const [, sign, whole = '0', decimals = ''] = /^(-?)(\d*)\.?(\d*)$/u.exec(text) ?? [];
  const scaled = BigInt(whole || '0') * NUMERIC_SCALE + BigInt(decimals.padEnd(9, '0').slice(0, 9));
  const bytes = Buffer.alloc(17);
  let rest = BigInt.asUintN(136, sign === '-' ? -scaled : scaled);
  for (let i = 0; i < bytes.length; i += 1) {
    bytes[i] = Number(rest & 255n);
    rest >>= 8n;
  }
  return bytes.subarray(0, 16);
}

function decodeNumeric(bytes: Uint8Array): string {
  const width = BigInt(bytes.length * 8);
  const unsigned = [...bytes].reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const scaled = BigInt.asIntN(Number(width), unsigned);
  const positive = scaled < 0n ? -scaled : scaled;
  const decimals = String(positive % NUMERIC_SCALE)
    .padStart(9, '0')
    .replace(/0+$/u, '');
  return `${scaled < 0n ? '-' : ''}${positive / NUMERIC_SCALE}${decimals === '' ? '' : `.${decimals}`}`;
}
