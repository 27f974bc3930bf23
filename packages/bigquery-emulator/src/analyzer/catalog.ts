// A catalog for one statement: each table under the path that the statement names it by.
import { columnsOf } from '../values/types.ts';
import type { Column, TableId, TableSchema } from '../types.ts';
import { toProtoType } from './proto-type.ts';

export type CatalogTable = { readonly path: readonly string[]; readonly table: TableId; readonly schema: TableSchema };

type ProtoTable = { readonly name: string; readonly nameInCatalog: string; readonly fullName: string; readonly column: readonly object[] };
type ProtoCatalog = { readonly name: string; readonly table: readonly ProtoTable[]; readonly catalog: readonly ProtoCatalog[] };
type Node = { readonly name: string; readonly tables: Map<string, ProtoTable>; readonly catalogs: Map<string, Node> };

/** What the resolved statement calls a table, and messages too: `Column a is not present in table p.d.t`. */
export const fullNameOf = ({ projectId, datasetId, tableId }: TableId): string => `${projectId}.${datasetId}.${tableId}`;

export function buildCatalog(tables: readonly CatalogTable[], languageOptions: object): object {
  const root = newNode('root');
  for (const { path, table, schema } of tables) {
    let node = root;
    // Google's catalogs know no case, so neither do these keys.
    for (const part of path.slice(0, -1)) {
      const child = node.catalogs.get(part.toLowerCase()) ?? newNode(part);
      node.catalogs.set(part.toLowerCase(), child);
      node = child;
    }
    const name = path.at(-1) ?? '';
    const fullName = fullNameOf(table);
    node.tables.set(name.toLowerCase(), { name: fullName, nameInCatalog: name, fullName, column: columnsOf(schema).map(toProtoColumn) });
  }
  return { ...toProto(root), builtinFunctionOptions: { languageOptions } };
}

const newNode = (name: string): Node => ({ name, tables: new Map(), catalogs: new Map() });
const toProto = ({ name, tables, catalogs }: Node): ProtoCatalog => ({ name, table: [...tables.values()], catalog: [...catalogs.values()].map(toProto) });
const toProtoColumn = ({ name, type }: Column): object => ({ name, type: toProtoType(type) });
