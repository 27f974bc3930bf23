/** OPTIONS(name = value, …) of DDL, and expressions in DDL that the parser reads apart. */
import { parseStatement, toList, toNode } from './ast.ts';
import { PLACEHOLDER } from './lexer.ts';
import { RefusedSql } from './problems.ts';
import { blankAround } from './token-reader.ts';
import type { Token, TokenReader } from './token-reader.ts';
import type { Options, OptionValue } from './translated-statement.ts';
import type { TranslationContext } from './translation-context.ts';

/** Behind the word OPTIONS. */
export function readOptions(context: TranslationContext, reader: TokenReader): Options {
  const options: Record<string, OptionValue> = {};
  reader.expect('(');
  while (!reader.takes(')')) {
    const name = reader.name().toLowerCase();
    reader.expect('=');
    options[name] = optionValue(
      context,
      reader.until((token) => token.text === ',' || token.text === ')'),
    );
    if (!reader.sees(')')) reader.expect(',');
  }
  return options;
}

/** A DuckDB expression of these tokens alone. */
export function printTokens(context: TranslationContext, tokens: readonly Token[]): string {
  const [first, last] = [tokens[0], tokens.at(-1)];
  if (first === undefined || last === undefined) throw new RefusedSql('syntax', 'an expression is missing');
  const query = parseStatement(blankAround(context.lexed, first.start, last.end, 'SELECT '));
  const [expression, ...others] = toList(query.body['expressions']).map(toNode);
  if (query.kind !== 'select' || expression === undefined || others.length > 0)
    throw new RefusedSql('syntax', 'one expression is expected', undefined, first.start);
  return context.printExpression(expression).sql;
}

function optionValue(context: TranslationContext, tokens: readonly Token[]): OptionValue {
  const [first, second, last] = [tokens[0], tokens[1], tokens.at(-1)];
  if (first === undefined || last === undefined) throw new RefusedSql('OPTIONS', 'the value of an option is missing');
  if (tokens.length === 1) {
    const literal = literalOf(context, first);
    if (literal !== undefined) return literal;
  }
  if (tokens.length === 2 && first.text === '-' && /^\d/u.test(second?.text ?? '')) return -Number(second?.text);
  const isList = (first.text === '[' && last.text === ']') || (first.text === '(' && last.text === ')');
  if (isList) return splitAtCommas(tokens.slice(1, -1)).map((item) => optionValue(context, item));
  return { expression: printTokens(context, tokens) };
}

function literalOf(context: TranslationContext, token: Token): OptionValue | undefined {
  if (token.text.startsWith(`'${PLACEHOLDER}`)) return context.lexed.literals[Number(token.text.slice(2, -1))]?.value ?? '';
  if (/^\d/u.test(token.text)) return Number(token.text);
  return { TRUE: true, FALSE: false, NULL: null }[token.word ?? ''];
}

function splitAtCommas(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const parts: Token[][] = tokens.length === 0 ? [] : [[]];
  let depth = 0;
  for (const token of tokens) {
    if ('([<'.includes(token.text)) depth += 1;
    if (')]>'.includes(token.text)) depth -= 1;
    if (depth === 0 && token.text === ',') parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}
