// The pieces of SQL of a pipeline, each with the file and lines where it stands, and the rules that hold for all of them:
// it parses, every backend can run it, it gives the same rows every time.
import { nearestName } from '../domain/nearest-name.ts';
import { tryPlaceName } from './lint-text.ts';
import type { Problem } from './problem.ts';
import { formatPath } from './schema-problems.ts';
import { isSqlFileName, normaliseFileName } from './sql-files.ts';
import type { SqlAnalysis, SqlAnalyzer, SqlProblem } from './sql-analyzer.ts';
import type { Path, YamlDocument } from './yaml-document.ts';

export type Statement = {
  readonly sql: string;
  /** Who it belongs to, in words: `processor form`, `the row_count audit of processor form`. */
  readonly owner: string;
  readonly path: string;
  /** The place of a line and column of the SQL in the folder. */
  readonly placeOf: (line: number, column?: number) => { readonly file: string; readonly line: number; readonly column?: number };
};

export type Report = (
  statement: Statement,
  line: number,
  message: string,
  fix: string,
  options?: { readonly column?: number; readonly severity?: Problem['severity'] },
) => void;

export const createReport =
  (problems: Problem[]): Report =>
  (statement, line, message, fix, { column, severity = 'error' } = {}) => {
    problems.push({ ...statement.placeOf(line, column), path: statement.path, message, fix, severity });
  };

const rawValue = (document: YamlDocument, path: Path): unknown =>
  path.reduce<unknown>((value, part) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined), document.value);

/** SQL that stands in pipeline.yaml, or in the file that is named there. */
export const statementAt = (document: YamlDocument, path: Path, sql: string, owner: string): Statement => {
  const written = rawValue(document, path);
  const file = typeof written === 'string' && isSqlFileName(written) ? normaliseFileName(written) : undefined;
  return file === undefined ? statementInYaml(document, path, sql, owner) : statementInFile(file, path, sql, owner);
};

export const statementInFile = (file: string, path: Path, sql: string, owner: string): Statement => ({
  sql,
  owner,
  path: formatPath(path),
  placeOf: (line, column) => ({ file, line, ...(column === undefined ? {} : { column }) }),
});

/** `extraLines`: lines of the SQL in front of what stands in the file, e.g. the SELECT that was put round a condition. */
export const statementInYaml = (document: YamlDocument, path: Path, sql: string, owner: string, extraLines = 0): Statement => ({
  sql,
  owner,
  path: formatPath(path),
  placeOf: (line, column) => document.placeInText(path, Math.max(1, line - extraLines), column),
});

const sayRefusal = ({ construct, message }: SqlProblem): readonly [string, string] =>
  construct === 'syntax'
    ? [`expected GoogleSQL, found a syntax error: ${message}`, 'mend the SQL here']
    : [`expected SQL that BigQuery and DuckDB both run, found ${construct}: ${message}`, `write it without ${construct}`];

/**
 * What the statement reads and yields; undefined where it can't be told because it doesn't parse or is refused, which is
 * reported then.
 */
export const analyzeStatement = (
  statement: Statement,
  analyzer: SqlAnalyzer,
  partitionColumnOf: (table: string) => string | undefined,
  report: Report,
): SqlAnalysis | undefined => {
  const translated = analyzer.translate(statement.sql);
  const analyzed = translated.ok ? analyzer.analyze(statement.sql, partitionColumnOf) : translated;
  if (!analyzed.ok) {
    for (const problem of analyzed.problems) {
      const [message, fix] = sayRefusal(problem);
      report(statement, problem.line ?? 1, message, fix, problem.column === undefined ? {} : { column: problem.column });
    }
    return undefined;
  }
  for (const name of analyzed.nondeterministic) {
    const place = tryPlaceName(statement.sql, name);
    const fix = /^(CURRENT_|NOW)/i.test(name) ? 'use @start_date or @end_date' : 'remove it, or derive the value from the columns of the key';
    report(statement, place?.line ?? 1, `expected SQL that gives the same rows every time, found ${name} in ${statement.owner}`, fix, place);
  }
  return analyzed;
};

/** Only these parameters may be used; `required`: each of them must be. */
export const checkParameters = (statement: Statement, analysis: SqlAnalysis, allowed: readonly string[], required: boolean, report: Report): void => {
  const names = allowed.map((name) => `@${name}`).join(' and ');
  for (const name of analysis.parameters.filter((each) => !allowed.includes(each))) {
    const place = tryPlaceName(statement.sql, `@${name}`);
    const nearest = nearestName(name, allowed);
    const wanted = allowed.length === 0 ? `no parameters in ${statement.owner}` : `no parameters but ${names} in ${statement.owner}`;
    report(statement, place?.line ?? 1, `expected ${wanted}, found @${name}`, nearest === undefined ? 'remove it' : `write "@${nearest}"`, place);
  }
  const missing = required ? allowed.filter((name) => !analysis.parameters.includes(name)) : [];
  if (missing.length > 0) {
    const used = allowed.filter((name) => analysis.parameters.includes(name)).map((name) => `only @${name}`);
    report(
      statement,
      1,
      `expected ${names} in ${statement.owner}, found ${used[0] ?? 'neither'}`,
      `restrict the dates with ${names}: one task may compute one date or many`,
    );
  }
};
