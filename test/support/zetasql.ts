/**
 * Google's own GoogleSQL analyzer and reference evaluator, for tests. It is 340 MB and fetched only on request:
 * `npm ci --prefix tools/zetasql`. Where it is missing, `startZetaSql` answers undefined and the tests say so.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { findTableReferences } from '@floodgate/sql/table-references.ts';
import { fromProtoValue, toProtoType, toProtoValue, typeName } from './zetasql-values.ts';
import type { Cell, CellInput, ProtoType, ProtoValue } from './zetasql-values.ts';

export interface ZetaSqlTable {
  /** `dataset.table`; a statement may write it with or without backticks. */
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows?: readonly (readonly CellInput[])[];
}
export type ZetaSqlParameters = Readonly<Record<string, { readonly type: string; readonly value: CellInput }>>;
export interface ZetaSqlColumn {
  readonly name: string;
  /** As GoogleSQL writes it, e.g. `ARRAY<INT64>`. */
  readonly type: string;
}

export interface ZetaSql extends AsyncDisposable {
  /** Runs one SELECT. Rejects with Google's message for an invalid statement and for an error while evaluating. */
  evaluate(
    sql: string,
    parameters?: ZetaSqlParameters,
    tables?: readonly ZetaSqlTable[],
  ): Promise<{ columns: readonly ZetaSqlColumn[]; rows: readonly (readonly Cell[])[] }>;
  /** Type-checks one SELECT. Rejects with Google's message. */
  analyze(sql: string, tables?: readonly ZetaSqlTable[], parameters?: Readonly<Record<string, string>>): Promise<readonly ZetaSqlColumn[]>;
  close(): Promise<void>;
}

const TOOL = fileURLToPath(new URL('../../tools/zetasql/', import.meta.url));
const PACKAGE = `${TOOL}node_modules/@fivetrandevelopers/zetasql/`;

export const ZETASQL_MISSING = "Google's reference evaluator is not installed: run `npm ci --prefix tools/zetasql` (340 MB)";
export const isZetaSqlInstalled: boolean = existsSync(`${PACKAGE}package.json`);
/** Set where its absence must fail instead of skip. */
export const isZetaSqlRequired: boolean = process.env['REQUIRE_ZETASQL'] === '1';

interface Prepared {
  readonly preparedQueryId?: string;
  readonly columns?: readonly { readonly name: string; readonly type: ProtoType }[];
}
type Call = (request: unknown, done: (error: Error | null, response: unknown) => void) => void;
type Client = Readonly<Record<string, Call>> & { close(): void; waitForReady(deadline: Date, done: (error?: Error) => void): void };

export async function startZetaSql(): Promise<ZetaSql | undefined> {
  if (!isZetaSqlInstalled) return undefined;
  const port = await freePort();
  const binary = `${PACKAGE}lib/zetasql/remote_server${process.arch.startsWith('arm') ? '_arm' : ''}${process.platform === 'darwin' ? '' : '.so'}`;
  const server = spawn(binary, ['localhost', String(port)], { stdio: 'ignore' });
  const client = connect(port);
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(new Date(Date.now() + 20_000), (error) => (error === undefined || error === null ? resolve() : reject(error)));
  });
  const call = <Response>(method: string, request: unknown): Promise<Response> =>
    new Promise((resolve, reject) => {
      (client[method] as Call).call(client, request, (error, response) => (error === null ? resolve(response as Response) : reject(error)));
    });
  const languageOptions = { ...(await call<object>('getLanguageOptions', { maximumFeatures: true })), productMode: 'PRODUCT_EXTERNAL' };
  const close = async (): Promise<void> => {
    client.close();
    if (server.exitCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  };
  const request = (sql: string, tables: readonly ZetaSqlTable[], parameterTypes: Readonly<Record<string, string>>) => ({
    sql: tables.length === 0 ? sql : quoteTables(sql),
    options: {
      languageOptions,
      defaultTimezone: 'UTC',
      queryParameters: Object.entries(parameterTypes).map(([name, type]) => ({ name, type: toProtoType(type) })),
    },
    simpleCatalog: { name: 'tests', table: tables.map(toTable), builtinFunctionOptions: { languageOptions } },
  });

  return {
    async evaluate(sql, parameters = {}, tables = []) {
      const types = Object.fromEntries(Object.entries(parameters).map(([name, { type }]) => [name, type]));
      const response = await call<{ content: { tableData: { row?: { cell?: ProtoValue[] }[] } }; prepared: Prepared }>('evaluateQuery', {
        ...request(sql, tables, types),
        tableContent: Object.fromEntries(tables.map((table) => [table.name, toContent(table)])),
        params: Object.entries(parameters).map(([name, { type, value }]) => ({ name, value: toProtoValue(value, toProtoType(type)) })),
      });
      const columns = response.prepared.columns ?? [];
      const rows = (response.content.tableData.row ?? []).map((row) => columns.map((column, index) => fromProtoValue(row.cell?.[index] ?? {}, column.type)));
      return { columns: columns.map(toColumn), rows };
    },
    async analyze(sql, tables = [], parameters = {}) {
      const { prepared } = await call<{ prepared: Prepared }>('prepareQuery', request(sql, tables, parameters));
      await call('unprepareQuery', { preparedQueryId: prepared.preparedQueryId });
      return (prepared.columns ?? []).map(toColumn);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function connect(port: number): Client {
  const require = createRequire(`${PACKAGE}package.json`);
  const grpc = require('@grpc/grpc-js') as {
    credentials: { createInsecure(): unknown };
    loadPackageDefinition(definition: unknown): { zetasql: { local_service: { ZetaSqlLocalService: new (...args: unknown[]) => Client } } };
  };
  const loader = require('@grpc/proto-loader') as { loadSync(file: string, options: object): unknown };
  const definition = loader.loadSync('local_service.proto', { oneofs: true, longs: String, enums: String, includeDirs: [`${PACKAGE}lib/zetasql/protos`] });
  const { ZetaSqlLocalService } = grpc.loadPackageDefinition(definition).zetasql.local_service;
  return new ZetaSqlLocalService(`localhost:${port}`, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function toColumn({ name, type }: { name: string; type: ProtoType }): ZetaSqlColumn {
  return { name, type: typeName(type) };
}

function toTable({ name, columns }: ZetaSqlTable) {
  return { name, column: columns.map((column) => ({ name: column.name, type: toProtoType(column.type) })) };
}

function toContent({ columns, rows = [] }: ZetaSqlTable) {
  const types = columns.map((column) => toProtoType(column.type));
  return { tableData: { row: rows.map((row) => ({ cell: row.map((cell, index) => toProtoValue(cell, types[index] as ProtoType)) })) } };
}

/** The evaluator knows no datasets: a table is one name, dot included, so it must stand in one pair of backticks. */
function quoteTables(sql: string): string {
  return findTableReferences(sql)
    .toReversed()
    .reduce((text, { table, start, end, hasAlias }) => {
      const alias = hasAlias ? '' : ` AS \`${table.split('.').at(-1)}\``;
      return `${text.slice(0, start)}\`${table}\`${alias}${text.slice(end)}`;
    }, sql);
}
