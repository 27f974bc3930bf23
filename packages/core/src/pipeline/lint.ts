// Lint: what reading alone can't see, because it needs to understand SQL. Whether every statement runs on every backend,
// reads what is declared and nothing else, inside the declared windows, and yields the declared columns. What can't be
// told is not guessed: no problem then.
import { sourceTable, type Audit, type Check, type Pipeline, type Processor } from '../domain/pipeline.ts';
import { checkReads, checkReadsOnly, checkYields, type Readable } from './lint-rules.ts';
import {
  analyzeStatement,
  checkParameters,
  createReport,
  statementAt,
  statementInFile,
  statementInYaml,
  type Report,
  type Statement,
} from './lint-statement.ts';
import { exportsRows } from './lint-text.ts';
import { sortProblems, type Problem } from './problem.ts';
import { formatPath } from './schema-problems.ts';
import type { SqlAnalysis, SqlAnalyzer } from './sql-analyzer.ts';
import { readPipelineYaml } from './pipeline-documents.ts';
import { pipelineFile, type Path, type YamlDocument } from './yaml-document.ts';

type Lint = {
  readonly pipeline: Pipeline;
  readonly files: ReadonlyMap<string, string>;
  readonly document: YamlDocument;
  readonly columnOf: (table: string) => string | undefined;
  readonly analyze: (statement: Statement) => SqlAnalysis | undefined;
  readonly report: Report;
  readonly problems: Problem[];
};

const dates = ['start_date', 'end_date'] as const;
/** The name under which the SQL of checks reads the rows that it judges. */
const staged = 'staged';

/** Column that holds the date of each table that SQL may name: targets, external tables and sources. */
const dateColumns = (pipeline: Pipeline): ReadonlyMap<string, string> =>
  new Map([
    ...pipeline.sources.map(({ name, dateColumn }) => [sourceTable(name), dateColumn] as const),
    ...pipeline.processors.map(({ table, partitionColumn }) => [table, partitionColumn] as const),
  ]);

const pathOfSql = (path: Path, check: Check): Path => [...path, check.type, check.type === 'sql' ? 'query' : 'sql'];

/** The SQL of a check, if it has any: a statement of its own, or a condition that is put into one. */
const statementOf = (lint: Lint, path: Path, check: Check, table: string, owner: string): Statement | undefined => {
  if (check.type === 'row_count' || check.type === 'expected_keys' || check.type === 'sql')
    return statementAt(lint.document, pathOfSql(path, check), check.sql, owner);
  return check.where === undefined ? undefined : statementOfCondition(lint, [...path, check.type, 'where'], check.where, table, owner);
};

const statementOfCondition = (lint: Lint, path: Path, where: string, table: string, owner: string): Statement =>
  statementInYaml(lint.document, path, `SELECT 1 AS matches FROM ${table} WHERE (\n${where}\n)`, `the condition of ${owner}`, 1);

const lintCondition = (lint: Lint, statement: Statement, table: string): void => {
  const analysis = lint.analyze(statement);
  if (analysis === undefined) return;
  checkParameters(statement, analysis, [], false, lint.report);
  checkReadsOnly(statement, analysis, [table], 'use only columns of the row itself', lint.report);
};

const yieldsOf = (check: Check): { readonly columns: readonly string[]; readonly more: 'refused' | 'allowed' } | undefined => {
  if (check.type === 'row_count') return { columns: ['date', 'expected'], more: 'refused' };
  if (check.type === 'expected_keys') return { columns: ['date', ...check.columns.filter((name) => name !== 'date')], more: 'refused' };
  return check.type === 'sql' ? { columns: ['date'], more: 'allowed' } : undefined;
};

/** Lints one check; returns what its SQL reads, undefined where that can't be told. */
const lintCheck = (
  lint: Lint,
  path: Path,
  { check }: Audit,
  table: string,
  owner: string,
  checkTables: (statement: Statement, analysis: SqlAnalysis) => void,
): SqlAnalysis | 'none' | undefined => {
  const statement = statementOf(lint, path, check, table, owner);
  if (statement === undefined) return 'none';
  const yields = yieldsOf(check);
  if (yields === undefined) {
    lintCondition(lint, statement, table);
    return 'none';
  }
  const analysis = lint.analyze(statement);
  if (analysis === undefined) return undefined;
  checkParameters(statement, analysis, dates, false, lint.report);
  checkTables(statement, analysis);
  checkYields(statement, analysis, yields.columns, yields.more, lint.report);
  return analysis;
};

const nameCheck = (check: Check): string => (check.type === 'sql' ? `check ${check.name}` : `${check.type} check`);

const lintAudits = (lint: Lint, processor: Processor, readable: Readable): readonly (SqlAnalysis | 'none' | undefined)[] =>
  processor.audits.map((audit, index) =>
    lintCheck(
      lint,
      ['processors', processor.id, 'audits', index],
      audit,
      processor.table,
      `the ${nameCheck(audit.check)} of processor ${processor.id}`,
      (statement, analysis) => checkReads(statement, analysis, { ...readable, others: [staged, processor.table] }, lint.columnOf, lint.report),
    ),
  );

const lintSource = (lint: Lint, processor: Processor, readable: Readable): SqlAnalysis | undefined => {
  const path = ['processors', processor.id];
  const owner = `processor ${processor.id}`;
  const statement =
    processor.sourceFile === pipelineFile
      ? statementInYaml(lint.document, path, processor.source, owner, Number.MAX_SAFE_INTEGER)
      : statementInFile(processor.sourceFile, path, processor.source, owner);
  const analysis = lint.analyze(statement);
  if (analysis === undefined) return undefined;
  checkParameters(statement, analysis, dates, true, lint.report);
  checkReads(statement, analysis, readable, lint.columnOf, lint.report);
  checkYields(
    statement,
    analysis,
    processor.columns.map(({ name }) => name),
    'refused',
    lint.report,
  );
  return analysis;
};

const lintCode = ({ files, problems }: Lint, { id, sourceFile }: Processor): void => {
  const text = files.get(sourceFile);
  const place = { file: sourceFile, line: 1, path: formatPath(['processors', id]), severity: 'error' } as const;
  if (text === undefined) problems.push({ ...place, message: `expected the file ${sourceFile} of processor ${id}, found none`, fix: `create ${sourceFile}` });
  else if (!exportsRows(text)) {
    problems.push({
      ...place,
      message: `expected processor ${id} to export "rows", found no such export`,
      fix: 'add "export async function* rows(...)" that yields the rows of the dates it is given',
    });
  }
};

const saysHowMany = ({ severity, check }: Audit): boolean => severity === 'block' && (check.type === 'row_count' || check.type === 'expected_keys');

/**
 * Without a number from elsewhere, a date for which nothing was computed is a success of 0 rows (P5), and one row of many
 * is one (P1). Not asked of a load that takes its source over while the calendar is made of that very source: a date of
 * the calendar has rows there then, and counting them would compare the source with itself.
 */
const lintExpectation = ({ pipeline, document, problems }: Lint, { id, table, kind, sourceFile, upstreams, audits }: Processor): void => {
  if (kind === 'external' || audits.some(saysHowMany)) return;
  if (pipeline.phases.some(({ gate }) => gate.checks.some((check) => check.table === table && saysHowMany(check)))) return;
  if (kind === 'load' && sourceFile === pipelineFile && upstreams.every((upstream) => pipeline.calendar.reads.includes(upstream.table))) return;
  const path = ['processors', id];
  problems.push({
    ...document.placeOfKey(path),
    path: formatPath(path),
    message: `expected a blocking row_count or expected_keys audit of processor ${id}, found none: a date without rows is committed as succeeded`,
    fix: 'say in an audit, or in a gate check of its table, which rows another table than its own calls for',
    severity: 'warning',
  });
};

const lintProcessor = (lint: Lint, processor: Processor): void => {
  const { id, kind, upstreams } = processor;
  const path = ['processors', id];
  lintExpectation(lint, processor);
  for (const { table, critical } of upstreams) {
    for (const [index, { where, column }] of critical.entries()) {
      if (where === undefined) continue;
      lintCondition(
        lint,
        statementOfCondition(lint, [...path, 'upstreams', table, 'critical', index, 'where'], where, table, `the critical column ${column} of ${table}`),
        table,
      );
    }
  }
  const readable: Readable = { declared: upstreams, others: [], known: [...dateColumns(lint.pipeline).keys()], processorId: id, ownTable: processor.table };
  const audits = lintAudits(lint, processor, readable);
  if (kind === 'code') lintCode(lint, processor);
  if (kind !== 'sql' && kind !== 'load') return;
  const analyses = [lintSource(lint, processor, readable), ...audits];
  // Where one of the statements could not be read, it may be the one that reads the upstream.
  if (analyses.includes(undefined)) return;
  const read = new Set(analyses.flatMap((analysis) => (analysis === undefined || analysis === 'none' ? [] : analysis.tables.map(({ table }) => table))));
  for (const { table } of upstreams.filter((upstream) => !upstream.optional && !read.has(upstream.table))) {
    const at = [...path, 'upstreams', table];
    lint.problems.push({
      ...lint.document.placeOfKey(at),
      path: formatPath(at),
      message: `expected every declared upstream of ${id} to be read, found ${table}, which neither its SQL nor its audits read`,
      fix: 'remove it from the upstreams, or read it',
      severity: 'error',
    });
  }
};

const lintCalendar = (lint: Lint): void => {
  const { calendar } = lint.pipeline;
  const statement = statementAt(lint.document, ['calendar', 'sql'], calendar.sql, 'the calendar');
  const analysis = lint.analyze(statement);
  if (analysis === undefined) return;
  checkParameters(statement, analysis, [], false, lint.report);
  checkReadsOnly(
    statement,
    analysis,
    calendar.reads,
    'add it to "reads" of the calendar in pipeline.yaml, if it is a source or an external table',
    lint.report,
  );
  checkYields(statement, analysis, ['date', 'season', 'kind', 'items'], 'refused', lint.report);
};

const lintGates = (lint: Lint): void => {
  for (const { number, gate } of lint.pipeline.phases) {
    const tables = lint.pipeline.processors.filter(({ phase }) => phase <= number).map(({ table }) => table);
    for (const [index, check] of gate.checks.entries()) {
      const path = ['phases', String(number), 'gate', 'checks', index, 'check'];
      lintCheck(lint, path, check, check.table, `the ${nameCheck(check.check)} of gate ${number}`, (statement, analysis) =>
        checkReadsOnly(statement, analysis, [staged, ...tables], `read tables of phase ${number} or earlier: later ones are not filled yet`, lint.report),
      );
    }
  }
};

/** All problems of the pipeline's SQL and code, sorted; `files` as for readPipeline. */
export const lintPipeline = (pipeline: Pipeline, files: ReadonlyMap<string, string>, analyzer: SqlAnalyzer): readonly Problem[] => {
  const problems: Problem[] = [];
  const report = createReport(problems);
  const columns = dateColumns(pipeline);
  const columnOf = (table: string): string | undefined => columns.get(table);
  const analyze = (statement: Statement): SqlAnalysis | undefined => analyzeStatement(statement, analyzer, columnOf, report);
  const lint: Lint = { pipeline, files, document: readPipelineYaml(files), columnOf, analyze, report, problems };
  lintCalendar(lint);
  for (const processor of pipeline.processors) lintProcessor(lint, processor);
  lintGates(lint);
  return sortProblems(problems);
};
