/** CREATE TABLE behind its first words: columns, partitioning, clustering, options, and the query or table it is made of. */
import { parseStatement } from './ast.ts';
import { printTokens, readOptions } from './ddl-options.ts';
import { formatGoogleType, parseGoogleType } from './google-types.ts';
import { blankAround } from './token-reader.ts';
import type { Token, TokenReader } from './token-reader.ts';
import type { ColumnDefinition, CreateTable, PartitionBy } from './translated-statement.ts';
import type { TranslationContext } from './translation-context.ts';

const SOURCES = ['LIKE', 'COPY', 'CLONE'] as const;
const PARTS = ['HOUR', 'DAY', 'MONTH', 'YEAR'] as const;

export function readCreateTable(context: TranslationContext, reader: TokenReader, orReplace: boolean): CreateTable {
  const ifNotExists = reader.takes('IF', 'NOT', 'EXISTS');
  const target = reader.path();
  const source = SOURCES.filter((word) => reader.takes(word)).map((word) => ({ kind: word.toLowerCase() as 'like', table: reader.path() }))[0];
  const columns = reader.takes('(') ? readColumns(context, reader) : undefined;
  if (reader.sees('DEFAULT')) reader.refuse('DEFAULT COLLATE');
  const partitionBy = reader.takes('PARTITION', 'BY') ? readPartitionBy(reader) : undefined;
  const clusterBy = reader.takes('CLUSTER', 'BY') ? readNames(reader) : undefined;
  const options = reader.takes('OPTIONS') ? readOptions(context, reader) : {};
  const query = reader.takes('AS') ? readQuery(context, reader) : undefined;
  reader.end();
  return {
    kind: 'create_table',
    target,
    orReplace,
    ifNotExists,
    ...(columns === undefined ? {} : { columns }),
    ...(partitionBy === undefined ? {} : { partitionBy }),
    ...(clusterBy === undefined ? {} : { clusterBy }),
    options,
    ...(query === undefined ? {} : { query }),
    ...(source === undefined ? {} : { source }),
  };
}

function readColumns(context: TranslationContext, reader: TokenReader): readonly ColumnDefinition[] {
  const columns: ColumnDefinition[] = [];
  while (!reader.takes(')')) {
    for (const words of [['PRIMARY', 'KEY'], ['FOREIGN', 'KEY'], ['CONSTRAINT']])
      if (reader.sees(...words) && reader.peek(1)?.text !== ',') refuseKey(reader, words);
    columns.push(readColumn(context, reader));
    if (!reader.sees(')')) reader.expect(',');
  }
  return columns;
}

function refuseKey(reader: TokenReader, words: readonly string[]): void {
  // A column may be called `constraint`; its type follows then, and no name.
  if (words.length === 2 || reader.peek(2)?.word === 'PRIMARY' || reader.peek(2)?.word === 'FOREIGN') reader.refuse(words.join(' '));
}

const ATTRIBUTES = ['NOT', 'DEFAULT', 'OPTIONS', 'COLLATE', 'PRIMARY', 'REFERENCES', 'CONSTRAINT', 'GENERATED', 'HIDDEN', 'AS'];

function readColumn(context: TranslationContext, reader: TokenReader): ColumnDefinition {
  const name = reader.name();
  const start = reader.peek();
  const typeTokens = reader.until((token) => token.text === ',' || token.text === ')' || ATTRIBUTES.includes(token.word ?? ''));
  const text = context.lexed.text.slice(start?.start ?? 0, typeTokens.at(-1)?.end ?? 0);
  if (typeTokens.some(({ word }, index) => word === 'NOT' && typeTokens[index + 1]?.word === 'NULL'))
    reader.refuse('NOT NULL', 'NOT NULL inside a STRUCT is not supported');
  if (typeTokens.some(({ word }) => word === 'OPTIONS')) reader.refuse('OPTIONS', 'OPTIONS inside a STRUCT are not supported');
  const type = formatGoogleType(parseGoogleType(text));
  let column: ColumnDefinition = { name, type, notNull: false, options: {} };
  while (!reader.sees(',') && !reader.sees(')')) column = readAttribute(context, reader, column);
  return column;
}

function readAttribute(context: TranslationContext, reader: TokenReader, column: ColumnDefinition): ColumnDefinition {
  if (reader.takes('NOT', 'NULL')) return { ...column, notNull: true };
  if (reader.takes('OPTIONS')) return { ...column, options: readOptions(context, reader) };
  if (reader.takes('DEFAULT')) {
    const tokens = reader.until(endsDefault(reader));
    const googleSql = writtenText(context, tokens);
    return { ...column, default: { googleSql, sql: printTokens(context, tokens) } };
  }
  return reader.refuse(reader.peek()?.word ?? 'column');
}

function endsDefault(reader: TokenReader): (token: Token) => boolean {
  return (token) =>
    token.text === ',' ||
    token.text === ')' ||
    (token.word === 'OPTIONS' && reader.peek(1)?.text === '(') ||
    (token.word === 'NOT' && reader.peek(1)?.word === 'NULL');
}

function writtenText(context: TranslationContext, tokens: readonly Token[]): string {
  const [first, last] = [tokens[0], tokens.at(-1)];
  return context.writtenText(first?.start ?? 0, last?.end ?? 0);
}

function readNames(reader: TokenReader): readonly string[] {
  const names = [reader.name()];
  while (reader.takes(',')) names.push(reader.name());
  return names;
}

/** https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#partition_expression */
function readPartitionBy(reader: TokenReader): PartitionBy {
  if (reader.sees('_PARTITIONDATE') || reader.sees('_PARTITIONTIME')) reader.refuse('ingestion-time partitioning');
  if (reader.peek(1)?.text !== '(') return { kind: 'column', column: reader.name() };
  const call = reader.next().word ?? '';
  reader.expect('(');
  if (call === '_PARTITIONTIME') reader.refuse('ingestion-time partitioning');
  if (reader.sees('_PARTITIONDATE') || reader.sees('_PARTITIONTIME')) reader.refuse('ingestion-time partitioning');
  const column = reader.name();
  if (call === 'DATE') {
    reader.expect(')');
    return { kind: 'trunc', column, part: 'DAY' };
  }
  reader.expect(',');
  if (call === 'RANGE_BUCKET') return readRange(reader, column);
  const part = PARTS.find((word) => reader.takes(word));
  if (part === undefined || !['DATE_TRUNC', 'TIMESTAMP_TRUNC', 'DATETIME_TRUNC'].includes(call))
    return reader.refuse('PARTITION BY', `PARTITION BY ${call} is not supported`);
  reader.expect(')');
  return { kind: 'trunc', column, part };
}

function readRange(reader: TokenReader, column: string): PartitionBy {
  reader.expect('GENERATE_ARRAY', '(');
  const start = readInteger(reader);
  reader.expect(',');
  const end = readInteger(reader);
  const interval = reader.takes(',') ? readInteger(reader) : 1;
  reader.expect(')', ')');
  return { kind: 'range', column, start, end, interval };
}

function readInteger(reader: TokenReader): number {
  const sign = reader.takes('-') ? -1 : 1;
  const token = reader.next();
  if (!/^\d+$/u.test(token.text)) reader.refuse('RANGE_BUCKET', 'the bounds of RANGE_BUCKET must be integer literals');
  return sign * Number(token.text);
}

/** The rest of the statement, handed to the parser at its place. */
function readQuery(context: TranslationContext, reader: TokenReader): string {
  const tokens = reader.until((token) => token.text === ';');
  const [first, last] = [tokens[0], tokens.at(-1)];
  if (first === undefined || last === undefined) throw reader.unexpected();
  return context.printQuery(parseStatement(blankAround(context.lexed, first.start, last.end)));
}
