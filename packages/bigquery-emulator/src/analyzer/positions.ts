// Places in a text as Google's messages have them: line and column from 1, a tab reaching to the next multiple of eight,
// characters beyond the basic plane counting once.
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
