/** STRING and BYTES functions. Positions, NULLs and white space are GoogleSQL's; see the macros of the prelude. */
import { nameOf } from '../ast.ts';
import type { Node } from '../ast.ts';
import { toCall } from '../node-functions.ts';
import { bare, printed, quoteString } from '../printed.ts';
import type { Printed, SqlType } from '../printed.ts';
import { RefusedSql } from '../problems.ts';
import { argument, bareOperands, expectArguments, expectString, operand } from './call.ts';
import type { FunctionCall, FunctionPrinter } from './call.ts';

function renamed(name: string, type: SqlType, least: number, most = least): FunctionPrinter {
  return (call) => {
    expectArguments(call, least, most);
    return printed(`${name}(${bareOperands(call).join(', ')})`, type);
  };
}

function trim(name: 'trim' | 'ltrim' | 'rtrim'): FunctionPrinter {
  return (call) => {
    expectArguments(call, 1, 2);
    return printed(`${call.args.length === 1 ? `fg_${name}` : name}(${bareOperands(call).join(', ')})`, 'STRING');
  };
}

/**
 * Compared letter by letter up to U+FFFF: LOWER differs in the one letter that becomes two, UPPER in ß and in about a
 * hundred ligatures and accented Greek letters, which are left as they are.
 */
function changedCase(name: 'lower' | 'upper', letter: string, replacement: string): FunctionPrinter {
  return (call) => {
    expectArguments(call, 1);
    return printed(`${name}(replace(${operand(call, 0).sql}, '${letter}', '${replacement}'))`, 'STRING');
  };
}

function substr(call: FunctionCall): Printed {
  expectArguments(call, 2, 3);
  const [text, start, length] = bareOperands(call) as [string, string, string?];
  const position = call.integerLiteral(argument(call, 1));
  const count = call.args.length === 3 ? call.integerLiteral(argument(call, 2)) : 0n;
  if (position !== undefined && position >= 0n && count !== undefined && count >= 0n) {
    const from = position === 0n ? '1' : start;
    return printed(`substr(${[text, from, ...(length === undefined ? [] : [length])].join(', ')})`, 'STRING');
  }
  return printed(length === undefined ? `fg_substr(${text}, ${start})` : `fg_substr_length(${text}, ${start}, ${length})`, 'STRING');
}

function pad(side: 'left' | 'right'): FunctionPrinter {
  return (call) => {
    expectArguments(call, 2, 3);
    const [text, length, filler] = bareOperands(call) as [string, string, string?];
    return printed(`fg_pad('${side}', ${text}, ${length}, ${filler ?? "' '"})`, 'STRING');
  };
}

/** A literal pattern and its number of capturing groups; GoogleSQL's extracting functions allow one at most. */
function pattern(call: FunctionCall, mostGroups: number): { sql: string; groups: number } {
  const text = expectString(call, 1, 'the pattern');
  const withoutClasses = text.replaceAll(/\\Q.*?(\\E|$)|\\./gsu, '').replaceAll(/\[\^?\]?[^\]]*\]/gu, '');
  const groups = [...withoutClasses.matchAll(/\((?!\?)|\(\?P</gu)].length;
  if (groups > mostGroups)
    throw new RefusedSql(call.name, `${call.name}: the pattern has ${groups} capturing groups, GoogleSQL allows ${mostGroups}; write (?:...)`);
  return { sql: quoteString(text), groups };
}

function regexpContains(call: FunctionCall): Printed {
  expectArguments(call, 2);
  return printed(`regexp_matches(${operand(call, 0).sql}, ${pattern(call, Infinity).sql})`, 'BOOL');
}

function regexpExtract(call: FunctionCall): Printed {
  expectArguments(call, 2);
  const { sql, groups } = pattern(call, 1);
  // DuckDB's regexp_extract would answer '' where nothing matches.
  return printed(`regexp_extract_all(${operand(call, 0).sql}, ${sql}, ${groups})[1]`, 'STRING');
}

function regexpExtractAll(call: FunctionCall): Printed {
  expectArguments(call, 2);
  const { sql, groups } = pattern(call, 1);
  return printed(`regexp_extract_all(${operand(call, 0).sql}, ${sql}, ${groups})`);
}

function regexpReplace(call: FunctionCall): Printed {
  expectArguments(call, 3);
  const { sql } = pattern(call, Infinity);
  const source = toCall(argument(call, 0));
  if (source?.name === 'NORMALIZE' && formOf(source.args[1]) === 'NFD') {
    // NFD without its marks is DuckDB's strip_accents; NFD alone has no equal there.
    const text = expectString(call, 1, 'the pattern');
    const removes = call.stringLiteral(argument(call, 2)) === '';
    const stripped = `strip_accents(${call.print(source.args[0] as Node).sql})`;
    if (removes && /^(\\pM|\\p\{M\}|\\p\{Mn\})[+*]?$/u.test(text)) return printed(stripped, 'STRING');
    // All but these ASCII characters goes, and the marks with it.
    if (removes && /^\[\^[A-Za-z0-9 _.'-]+\]\+?$/u.test(text)) return printed(`regexp_replace(${stripped}, ${sql}, '', 'g')`, 'STRING');
  }
  return printed(`regexp_replace(${operand(call, 0).sql}, ${sql}, ${operand(call, 2).sql}, 'g')`, 'STRING');
}

function formOf(node: Node | undefined): string {
  return node === undefined ? 'NFC' : (nameOf(node.body['name']) ?? '').toUpperCase();
}

function normalize(call: FunctionCall): Printed {
  expectArguments(call, 1, 2);
  const form = formOf(call.args[1]);
  if (form === 'NFC') return printed(`nfc_normalize(${operand(call, 0).sql})`, 'STRING');
  throw new RefusedSql('NORMALIZE', `NORMALIZE to ${form} has no equal in DuckDB; to strip accents write REGEXP_REPLACE(NORMALIZE(x, NFD), r'\\pM', '')`);
}

const FORMAT_DIRECTIVE = /%(?:%|0?\d*(?:\.\d+)?[dsf])/gu;

/** FORMAT with %d, %s, %f and widths, which C's printf prints alike in both engines. */
function format(call: FunctionCall): Printed {
  expectArguments(call, 1, 50);
  const text = expectString(call, 0, 'the format');
  const directives = (text.match(FORMAT_DIRECTIVE) ?? []).filter((directive) => directive !== '%%');
  if (text.replaceAll(FORMAT_DIRECTIVE, '').includes('%'))
    throw new RefusedSql('FORMAT', `FORMAT: only %d, %s, %f with width and precision are supported, not '${text}'`);
  if (directives.length !== call.args.length - 1)
    throw new RefusedSql('FORMAT', `FORMAT: '${text}' takes ${directives.length} arguments, ${call.args.length - 1} were given`);
  const values = directives.map((directive, index) => {
    const value = operand(call, index + 1);
    if (directive.endsWith('d')) return `CAST(${bare(value)} AS BIGINT)`;
    if (directive.endsWith('f')) return `CAST(${bare(value)} AS DOUBLE)`;
    return value.type === 'STRING' ? value.sql : `fg_string(${value.sql})`;
  });
  return printed(`printf(${[quoteString(text), ...values].join(', ')})`, 'STRING');
}

function concat(call: FunctionCall): Printed {
  expectArguments(call, 1, 1000);
  return printed(`(${call.args.map((node) => call.print(node).sql).join(' || ')})`, 'STRING');
}

function split(call: FunctionCall): Printed {
  expectArguments(call, 1, 2);
  const sql = `string_split(${operand(call, 0).sql}, ${call.args.length === 2 ? operand(call, 1).sql : "','"})`;
  return { sql, google: { kind: 'ARRAY', element: { kind: 'STRING' } } };
}

function digest(name: 'md5' | 'sha1' | 'sha256'): FunctionPrinter {
  return (call) => {
    expectArguments(call, 1);
    return printed(`unhex(${name}(${operand(call, 0).sql}))`, 'BYTES');
  };
}

function toHex(call: FunctionCall): Printed {
  expectArguments(call, 1);
  return printed(`lower(hex(${operand(call, 0).sql}))`, 'STRING');
}

function fromEnd(name: 'left' | 'right'): FunctionPrinter {
  return (call) => {
    expectArguments(call, 2);
    const length = call.integerLiteral(argument(call, 1));
    if (length === undefined || length < 0n) throw new RefusedSql(call.name, `${call.name}: the length must be a literal that is not negative`);
    return printed(`${name}(${operand(call, 0).sql}, ${length})`, 'STRING');
  };
}

function byteLength(call: FunctionCall): Printed {
  expectArguments(call, 1);
  const value = operand(call, 0);
  return printed(value.type === 'BYTES' ? `octet_length(${value.sql})` : `strlen(${value.sql})`, 'INT64');
}

function length(call: FunctionCall): Printed {
  expectArguments(call, 1);
  const value = operand(call, 0);
  return printed(value.type === 'BYTES' ? `octet_length(${value.sql})` : `length(${value.sql})`, 'INT64');
}

export const stringFunctions: Readonly<Record<string, FunctionPrinter>> = {
  ASCII: (call) => {
    expectArguments(call, 1);
    // DuckDB gives the first byte's code, GoogleSQL an error for what is not ASCII.
    const { sql } = operand(call, 0);
    return printed(
      `(CASE WHEN ${sql} = '' THEN 0 WHEN unicode(${sql}) > 127 THEN error('ASCII: the character is none of ASCII') ELSE CAST(unicode(${sql}) AS BIGINT) END)`,
      'INT64',
    );
  },
  BYTE_LENGTH: byteLength,
  CHR: (call) => {
    expectArguments(call, 1);
    return printed(`chr(CAST(${bare(operand(call, 0))} AS INTEGER))`, 'STRING');
  },
  FROM_BASE64: renamed('from_base64', 'BYTES', 1),
  FROM_HEX: renamed('unhex', 'BYTES', 1),
  CONCAT: concat,
  ENDS_WITH: renamed('suffix', 'BOOL', 2),
  FORMAT: format,
  LEFT: fromEnd('left'),
  LENGTH: length,
  LOWER: changedCase('lower', 'İ', 'i̇'),
  LPAD: pad('left'),
  LTRIM: trim('ltrim'),
  MD5: digest('md5'),
  NORMALIZE: normalize,
  REGEXP_CONTAINS: regexpContains,
  REGEXP_EXTRACT: regexpExtract,
  REGEXP_EXTRACT_ALL: regexpExtractAll,
  REGEXP_REPLACE: regexpReplace,
  REPEAT: renamed('repeat', 'STRING', 2),
  REPLACE: renamed('replace', 'STRING', 3),
  REVERSE: renamed('reverse', 'STRING', 1),
  RIGHT: fromEnd('right'),
  RPAD: pad('right'),
  RTRIM: trim('rtrim'),
  SHA1: digest('sha1'),
  SHA256: digest('sha256'),
  SPLIT: split,
  STARTS_WITH: renamed('starts_with', 'BOOL', 2),
  STRPOS: renamed('strpos', 'INT64', 2),
  SUBSTR: substr,
  TO_BASE64: (call) => {
    expectArguments(call, 1);
    return printed(`to_base64(${operand(call, 0).sql})`, 'STRING');
  },
  TO_HEX: toHex,
  TRANSLATE: renamed('translate', 'STRING', 3),
  TRIM: trim('trim'),
  UPPER: changedCase('upper', 'ß', 'SS'),
};
