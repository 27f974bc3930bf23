// Makes the Pipeline out of a pipeline.yaml that has passed every check: names resolved, defaults and files in place.
import { partitionDate } from '../domain/partition-date.ts';
import type { AbsentColumns, Audit, Check, Column, Phase, Pipeline, Processor, Source, Upstream } from '../domain/pipeline.ts';
import { parseWindow } from '../domain/window.ts';
import { generateLoad, isGenerated, neededUpstreams } from './generated-load.ts';
import { sortByReads } from './pipeline-graph.ts';
import { codeHashOf, pipelineHashOf } from './pipeline-hash.ts';
import type { PipelineYaml } from './pipeline-schema.ts';
import { defaultSourceFile, importedFiles, normaliseFileName, resolveSql } from './sql-files.ts';
import { pipelineFile } from './yaml-document.ts';

type Files = ReadonlyMap<string, string>;
type ProcessorYaml = PipelineYaml['processors'][string];

const buildColumns = (columns: ProcessorYaml['columns'], alwaysThere: readonly string[]): readonly Column[] =>
  Object.entries(columns).map(([name, column]) => {
    const full = typeof column === 'string' ? { type: column, required: false, description: '', digits: 6 } : column;
    return { name, type: full.type, required: full.required || alwaysThere.includes(name), description: full.description, digits: full.digits };
  });

const buildCheck = (check: ProcessorYaml['audits'][number], files: Files): Check => {
  const sqlOf = (written: string): string => resolveSql(written, files) ?? '';
  if ('row_count' in check) return { type: 'row_count', sql: sqlOf(check.row_count.sql) };
  if ('expected_keys' in check) return { type: 'expected_keys', columns: check.expected_keys.columns, sql: sqlOf(check.expected_keys.sql) };
  if ('accepted_range' in check) {
    const { column, min, max, where } = check.accepted_range;
    return {
      type: 'accepted_range',
      column,
      ...(min === undefined ? {} : { min }),
      ...(max === undefined ? {} : { max }),
      ...(where === undefined ? {} : { where }),
    };
  }
  if ('sql' in check) return { type: 'sql', name: check.sql.name, sql: sqlOf(check.sql.query) };
  const { columns, min_ratio: minRatio, where } = 'not_null' in check ? check.not_null : check.not_zero;
  return { type: 'not_null' in check ? 'not_null' : 'not_zero', columns, minRatio, ...(where === undefined ? {} : { where }) };
};

const buildAudit = (check: ProcessorYaml['audits'][number], files: Files): Audit => ({ check: buildCheck(check, files), severity: check.severity });

const buildUpstream = ([table, written]: [string, ProcessorYaml['upstreams'][string]]): Upstream => {
  const upstream = typeof written === 'string' ? { window: written, strength: 'hard' as const, optional: false, critical: [] } : written;
  const window = parseWindow(upstream.window);
  if (window === undefined) throw new RangeError(`the schema let a bad window pass: ${upstream.window}`);
  const critical = upstream.critical.map((each) => {
    const full = typeof each === 'string' ? { column: each, not_zero: false, min_ratio: 0.99 } : each;
    return {
      column: full.column,
      notZero: full.not_zero,
      minRatio: full.min_ratio,
      ...('where' in full && full.where !== undefined ? { where: full.where } : {}),
    };
  });
  return { table, window, strength: upstream.strength, critical, ...(upstream.optional ? { optional: true as const } : {}) };
};

const buildSource = ([name, yaml]: [string, PipelineYaml['sources'][string]]): Source => ({
  name,
  description: yaml.description,
  files: typeof yaml.files === 'string' ? [yaml.files] : yaml.files,
  ...(yaml.format === undefined ? {} : { format: yaml.format }),
  ...(yaml.optional ? { optional: true as const } : {}),
  dateColumn: yaml.date_column,
  key: yaml.key,
  columns: buildColumns(yaml.columns, []),
  ...(yaml.covers === undefined ? {} : { covers: yaml.covers }),
});

const buildPhase = ([number, yaml]: [string, PipelineYaml['phases'][string]], files: Files): Phase => ({
  number: Number(number),
  name: yaml.name,
  ...(yaml.on_request ? { onRequest: true as const } : {}),
  gate: {
    checks: yaml.gate.checks.map(({ table, check }) => ({ table, ...buildAudit(check, files) })),
    hold: yaml.gate.hold,
    quorum: yaml.gate.quorum,
  },
});

const sourceOf = (
  id: string,
  yaml: ProcessorYaml,
  columns: readonly Column[],
  sources: readonly Source[],
  files: Files,
): { readonly source: string; readonly sourceFile: string } => {
  if (yaml.kind === 'external') return { source: '', sourceFile: '' };
  const upstreams = neededUpstreams(yaml.upstreams);
  const loaded = sources.find(({ name }) => upstreams[0] === `source.${name}`);
  if (loaded !== undefined && isGenerated(id, yaml.kind, yaml.file, upstreams, files)) {
    return { source: generateLoad(columns, yaml.partition_column, loaded), sourceFile: pipelineFile };
  }
  const sourceFile = normaliseFileName(yaml.file ?? defaultSourceFile(id, yaml.kind) ?? '') ?? '';
  return { source: files.get(sourceFile) ?? '', sourceFile };
};

const buildProcessor = (id: string, yaml: ProcessorYaml, sources: readonly Source[], files: Files): Processor => {
  const columns = buildColumns(yaml.columns, [...yaml.key, yaml.partition_column]);
  const never = yaml.never.map((range) =>
    typeof range === 'string'
      ? { first: partitionDate(range), last: partitionDate(range) }
      : { first: partitionDate(range.first), last: partitionDate(range.last) },
  );
  const absent: readonly AbsentColumns[] = yaml.absent;
  const processor: Omit<Processor, 'codeHash'> = {
    id,
    description: yaml.description,
    phase: yaml.phase,
    kind: yaml.kind,
    table: yaml.table,
    partitionColumn: yaml.partition_column,
    key: yaml.key,
    columns,
    upstreams: Object.entries(yaml.upstreams).map(buildUpstream),
    audits: yaml.audits.map((audit) => buildAudit(audit, files)),
    write: yaml.write,
    timeoutMs: yaml.timeout_seconds * 1000,
    retry: { maxAttempts: yaml.retry.max_attempts, baseMs: yaml.retry.base_seconds * 1000, maxMs: yaml.retry.max_seconds * 1000 },
    datesPerTask: yaml.dates_per_task,
    maxDatesPerTask: yaml.max_dates_per_task,
    ...(yaml.covers === undefined ? {} : { covers: yaml.covers }),
    bootstrapDays: yaml.bootstrap_days,
    minHistoryDates: yaml.min_history_dates,
    never,
    absent,
    ...sourceOf(id, yaml, columns, sources, files),
  };
  const imported = yaml.kind === 'code' ? importedFiles(processor.sourceFile, files) : [];
  return { ...processor, codeHash: codeHashOf(processor, sources, new Map(imported.map((file) => [file, files.get(file) ?? '']))) };
};

export const buildPipeline = (yaml: PipelineYaml, files: Files): Pipeline => {
  const sources = Object.entries(yaml.sources).map(buildSource);
  const ownerOf = new Map(Object.entries(yaml.processors).map(([id, { table }]) => [table, id]));
  const order = sortByReads(
    Object.entries(yaml.processors).map(([id, { phase, upstreams }]) => ({
      id,
      phase,
      reads: Object.keys(upstreams).flatMap((table) => ownerOf.get(table) ?? []),
    })),
  );
  const processors = order.flatMap((id) => {
    const processor = yaml.processors[id];
    return processor === undefined ? [] : [buildProcessor(id, processor, sources, files)];
  });
  const pipeline: Omit<Pipeline, 'hash'> = {
    id: yaml.name,
    description: yaml.description,
    calendar: { sql: resolveSql(yaml.calendar.sql, files) ?? '', reads: yaml.calendar.reads },
    sources,
    phases: Object.entries(yaml.phases)
      .map((entry) => buildPhase(entry, files))
      .sort((a, b) => a.number - b.number),
    processors,
  };
  return { ...pipeline, hash: pipelineHashOf(pipeline) };
};
