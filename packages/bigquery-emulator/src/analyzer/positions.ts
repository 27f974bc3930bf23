// Places in a text as Google's messages have them: line and column from 1, a tab reaching to the next multiple of eight,
// characters beyond the basic plane counting once.
import { BigQueryProblem } from '../problem.ts';

const tabWidth = 8;

export type Position = { readonly line: number; readonly column: number };

export function positionOf(text: string, offset: number): Position {
  let line = 1;
  let column = 1;
  for (let at = 0; at < offset; at += 1) {
    const unit = text.charCodeAt(at);
    const isReturnOfPair = unit === 13 && text.charCodeAt(at + 1) === 10;
    if (unit === 10 || (unit === 13 && !isReturnOfPair)) {
      line += 1;
      column = 1;
    } else if (unit === 9) column += tabWidth - ((column - 1) % tabWidth);
    else if (!isReturnOfPair && !isLowSurrogate(unit)) column += 1;
  }
  return { line, column };
}

export function offsetOf(text: string, { line, column }: Position): number {
  let at = 0;
  for (let current = 1; current < line && at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 10 || (unit === 13 && text.charCodeAt(at + 1) !== 10)) current += 1;
  }
  for (let current = 1; current < column && at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 10 || unit === 13) break;
    if (unit === 9) current += tabWidth - ((current - 1) % tabWidth);
    else if (!isLowSurrogate(text.charCodeAt(at + 1))) current += 1;
  }
  return at;
}

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

const atEnd = / at \[(\d+):(\d+)\]$/u;

/** The problem of one statement, with its place in the script that the statement stands in. */
export function inScript(problem: BigQueryProblem, statement: Position): BigQueryProblem {
  const match = atEnd.exec(problem.message);
  if (match === null) return problem;
  const line = Number(match[1]);
  const column = Number(match[2]) + (line === 1 ? statement.column - 1 : 0);
  const message = `${problem.message.slice(0, match.index)} at [${line + statement.line - 1}:${column}]`;
  return new BigQueryProblem(problem.reason, message, problem.location, { cause: problem });
}
