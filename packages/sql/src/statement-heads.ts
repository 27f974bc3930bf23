/** Statements, or heads of them, that the parser does not know: DDL, transactions, ASSERT. Read token by token. */
import { parseStatement, toList, toNode } from './ast.ts';
import type { Node } from './ast.ts';
import { readCreateTable } from './create-table.ts';
import { readOptions } from './ddl-options.ts';
import { RefusedSql } from './problems.ts';
import { blankAround, TokenReader } from './token-reader.ts';
import type { TranslatedStatement } from './translated-statement.ts';
import type { TranslationContext } from './translation-context.ts';

/** undefined: the parser knows the whole statement. */
export function readHead(context: TranslationContext): TranslatedStatement | undefined {
  const reader = new TokenReader(context.lexed);
  const first = reader.peek()?.word ?? '';
  return READERS[first]?.(context, reader);
}

type Reader = (context: TranslationContext, reader: TokenReader) => TranslatedStatement;

const READERS: Readonly<Record<string, Reader>> = {
  ASSERT: readAssert,
  BEGIN: transaction('begin'),
  COMMIT: transaction('commit'),
  ROLLBACK: transaction('rollback'),
  CREATE: readCreate,
  DROP: readDrop,
  ...Object.fromEntries(
    ['ALTER', 'CALL', 'DECLARE', 'EXECUTE', 'EXPORT', 'GRANT', 'IF', 'LOAD', 'LOOP', 'REVOKE', 'SET', 'UNDROP', 'WHILE'].map((word): [string, Reader] => [
      word,
      (_context, reader) => reader.refuse(word, `the statement ${word} is not supported`),
    ]),
  ),
};

function transaction(kind: 'begin' | 'commit' | 'rollback'): Reader {
  return (_context, reader) => {
    reader.next();
    reader.takes('TRANSACTION');
    reader.end();
    return { kind };
  };
}

/** `ASSERT condition AS 'description'`; the parser sees `SELECT condition`, which is as long. */
function readAssert(context: TranslationContext, reader: TokenReader): TranslatedStatement {
  reader.expect('ASSERT');
  const start = reader.peek()?.start ?? 0;
  const condition = reader.until((token) => (token.word === 'AS' && reader.peek(1)?.text.startsWith("'") === true) || token.text === ';');
  const description = reader.takes('AS') ? { description: reader.stringLiteral() } : {};
  reader.end();
  const query = parseStatement(blankAround(context.lexed, start, condition.at(-1)?.end ?? start, 'SELECT'));
  const expressions = toList(query.body['expressions']).map(toNode);
  const [expression] = expressions;
  if (query.kind !== 'select' || expression === undefined || expressions.length > 1) throw new RefusedSql('ASSERT', 'ASSERT takes one condition');
  return { kind: 'assert', expression: context.printExpression(expression satisfies Node).sql, ...description };
}

function readCreate(context: TranslationContext, reader: TokenReader): TranslatedStatement {
  reader.expect('CREATE');
  const orReplace = reader.takes('OR', 'REPLACE');
  if (reader.takes('TABLE')) return readCreateTable(context, reader, orReplace);
  if (!orReplace && reader.takes('SCHEMA')) {
    const ifNotExists = reader.takes('IF', 'NOT', 'EXISTS');
    const target = reader.path();
    if (reader.sees('DEFAULT')) reader.refuse('DEFAULT COLLATE');
    const options = reader.takes('OPTIONS') ? readOptions(context, reader) : {};
    reader.end();
    return { kind: 'create_schema', target, ifNotExists, options };
  }
  return reader.refuse(`CREATE ${reader.peek()?.word ?? ''}`.trim());
}

function readDrop(_context: TranslationContext, reader: TokenReader): TranslatedStatement {
  reader.expect('DROP');
  const isTable = reader.takes('TABLE');
  if (!isTable && !reader.takes('SCHEMA')) return reader.refuse(`DROP ${reader.peek()?.word ?? ''}`.trim());
  const ifExists = reader.takes('IF', 'EXISTS');
  const target = reader.path();
  if (isTable) {
    reader.end();
    return { kind: 'drop_table', target, ifExists };
  }
  const cascade = reader.takes('CASCADE');
  if (!cascade) reader.takes('RESTRICT');
  reader.end();
  return { kind: 'drop_schema', target, ifExists, cascade };
}
