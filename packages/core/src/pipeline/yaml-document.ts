// A YAML file as text with places: which line and column a path such as `processors.games.key` stands at. The plain
// value alone would leave every later problem without a line.
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type YAMLError } from 'yaml';
import type { Problem } from './problem.ts';

export const pipelineFile = 'pipeline.yaml';

export type Path = readonly (string | number)[];
export type Place = { readonly file: string; readonly line: number; readonly column: number };

export type YamlDocument = {
  /** The document as plain values; undefined where it can't be read at all. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** By file, the line from which on the structure can't be trusted, after a syntax error. */
  readonly brokenFrom: ReadonlyMap<string, number>;
  /**
   * Place of what stands at the path: of a scalar's value, and of the key in front of a map or list. Where the path
   * leads nowhere (a missing key), the place of the nearest thing around it.
   */
  readonly placeOf: (path: Path) => Place;
  /** Place of the last key of the path, for problems with the key itself. */
  readonly placeOfKey: (path: Path) => Place;
  /** Translates a place inside the text of the scalar at the path (1-based) into a place in the file. */
  readonly placeInText: (path: Path, line: number, column: number | undefined) => { readonly file: string; readonly line: number; readonly column?: number };
};

// Mistakes of one scalar or key leave the rest of the structure readable; all others may have moved what follows.
const localCodes: ReadonlySet<string> = new Set(['DUPLICATE_KEY', 'BAD_DQ_ESCAPE', 'KEY_OVER_1024_CHARS', 'TAG_RESOLVE_FAILED']);

const fixes: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with spaces',
  BAD_INDENT: 'indent it like its neighbours',
  MISSING_CHAR: 'add what is missing; a text that holds ": " or " #" needs quotes round it',
  BAD_SCALAR_START: 'put quotes round the text',
  UNEXPECTED_TOKEN: 'remove it, or put quotes round the text',
  BLOCK_AS_IMPLICIT_KEY: 'begin the nested keys on a new line, or put quotes round a text that holds ": "',
  BAD_DQ_ESCAPE: 'write the backslash twice, or use single quotes',
  MULTIPLE_DOCS: 'remove the line "---" and what follows it',
};

// What the parser stumbles over again and again once an earlier line has broken the structure.
const consequences: ReadonlySet<string> = new Set(['BAD_INDENT', 'BLOCK_AS_IMPLICIT_KEY', 'MULTILINE_IMPLICIT_KEY', 'UNEXPECTED_TOKEN', 'IMPOSSIBLE']);

const sayError = (error: YAMLError): readonly [string, string] => {
  if (error.code === 'DUPLICATE_KEY') return ['expected every key once, found this one a second time', 'keep one of the two'];
  if (error.code === 'BLOCK_AS_IMPLICIT_KEY') return ['expected one "key: value" on a line, found a second ": "', fixes[error.code] ?? ''];
  const message = `expected YAML, found a syntax error: ${error.message.split('\n')[0]}`;
  const bracket = /end with a (\S)/.exec(error.message)?.[1];
  return [message, bracket === undefined ? (fixes[error.code] ?? 'mend the YAML here') : `add the missing "${bracket}"`];
};

const explainErrors = (file: string, errors: readonly YAMLError[], lines: LineCounter): Problem[] => {
  let broken = false;
  return errors.flatMap((error) => {
    if (broken && consequences.has(error.code)) return [];
    const first = !broken && !localCodes.has(error.code);
    broken ||= first;
    const [message, fix] = sayError(error);
    const { line, col } = lines.linePos(error.pos[0]);
    return [
      {
        file,
        line,
        column: col,
        message,
        fix: first ? `${fix}; what follows is checked once this can be read` : fix,
        severity: 'error' as const,
      },
    ];
  });
};

type Step = { readonly key: Node | undefined; readonly value: Node | undefined };

const stepInto = (document: Document, node: Node | undefined, part: string | number): Step | undefined => {
  const target = isAlias(node) ? node.resolve(document) : node;
  if (isMap(target)) {
    const pair = target.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
    return pair === undefined ? undefined : { key: pair.key as Node, value: (pair.value ?? undefined) as Node | undefined };
  }
  if (!isSeq(target)) return undefined;
  const item = target.items[Number(part)] as Node | undefined;
  return item === undefined ? undefined : { key: undefined, value: item };
};

/** Never throws: what can't be read is a problem of the result. */
export const readYaml = (text: string, file = pipelineFile): YamlDocument => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems = explainErrors(file, document.errors, lines);
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    // An alias without its anchor, or aliases that would grow without bound (`maxAliasCount`).
    const message = error instanceof Error ? error.message : String(error);
    problems.push({
      file,
      line: 1,
      message: `expected YAML, found a broken alias: ${message}`,
      fix: 'write the value out instead of the alias',
      severity: 'error',
    });
  }
  const broken = document.errors.filter((error) => !localCodes.has(error.code)).map((error) => lines.linePos(error.pos[0]).line);

  const walk = (path: Path): { readonly reached: number; readonly steps: readonly Step[] } => {
    const steps: Step[] = [{ key: undefined, value: document.contents ?? undefined }];
    for (const part of path) {
      const step = stepInto(document, steps[steps.length - 1]?.value, part);
      if (step === undefined) break;
      steps.push(step);
    }
    return { reached: steps.length - 1, steps };
  };
  const at = (node: Node | undefined): Place | undefined => {
    if (node?.range == null) return undefined;
    const { line, col } = lines.linePos(node.range[0]);
    return { file, line, column: col };
  };
  const start: Place = { file, line: 1, column: 1 };

  const place = (path: Path, wantKey: boolean): Place => {
    const { reached, steps } = walk(path);
    const step = steps[reached];
    if (step === undefined || reached === 0) return start;
    const found = reached === path.length;
    const scalar = found && !wantKey && isScalar(step.value) && step.value.value !== null;
    return (scalar ? at(step.value) : (at(step.key) ?? at(step.value))) ?? start;
  };

  return {
    value,
    problems,
    brokenFrom: new Map(broken.length === 0 ? [] : [[file, Math.min(...broken)]]),
    placeOf: (path) => place(path, false),
    placeOfKey: (path) => place(path, true),
    placeInText: (path, line, column) => {
      const { reached, steps } = walk(path);
      const node = reached === path.length ? steps[reached]?.value : undefined;
      const scalar = isAlias(node) ? node.resolve(document) : node;
      const origin = at(scalar) ?? place(path, false);
      if (!isScalar(scalar)) return origin;
      if (scalar.type !== 'BLOCK_LITERAL' && scalar.type !== 'BLOCK_FOLDED') {
        // On one line the places add up; in a folded or quoted text of several lines only the first line is certain.
        if (line > 1 || column === undefined) return origin;
        return { file, line: origin.line, column: origin.column + column - 1 + (scalar.type?.startsWith('QUOTE') === true ? 1 : 0) };
      }
      const written = text.split(/\r?\n/).slice(origin.line);
      const indent = written.find((each) => each.trim() !== '')?.search(/\S/) ?? 0;
      return { file, line: origin.line + line, ...(column === undefined ? {} : { column: indent + column }) };
    },
  };
};
