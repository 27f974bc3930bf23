// Everything that BigQuery is ever told for a pipeline, by the real warehouse and with the checks that core builds: the calendar, digests,
// and for each processor its SELECT, its stagings, audits, gate checks and commits. What Google's analyzer refuses is named with the file
// that it stands in, and so is a SELECT that yields other columns than are declared.
import { checksOf, type NamedCheck } from '@floodgate/core/app/audit-staged.ts';
import type { CodeFunction } from '@floodgate/core/app/deps.ts';
import { gateChecksOf } from '@floodgate/core/app/gate-checks.ts';
import { specOf } from '@floodgate/core/app/ledger-reader.ts';
import type { LoadedPlan } from '@floodgate/core/app/plan-store.ts';
import { createCalendar } from '@floodgate/core/domain/calendar.ts';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import { type Pipeline, type Processor } from '@floodgate/core/domain/pipeline.ts';
import { WarehouseError, type CheckJob, type StageJob } from '@floodgate/core/ports/warehouse.ts';
import type { Analyzed, RowlessBigQuery, RowlessProject } from '../support/rowless-bigquery.ts';
import { runCode } from '../support/run-code.ts';

export type AnalyzedPipeline = {
  readonly pipeline: Pipeline;
  /** Statements that were accepted, by processor; under `''` those of the whole pipeline. */
  readonly statements: ReadonlyMap<string, readonly Analyzed[]>;
  /** `file: what was asked: what is wrong`. */
  readonly problems: readonly string[];
};

export type AnalyzePipelineInput = {
  readonly pipeline: Pipeline;
  /** Files of its folder, to name the one that a check stands in. */
  readonly files: ReadonlyMap<string, string>;
  readonly code: (processor: Processor) => Promise<CodeFunction>;
  /** Of these processors alone. */
  readonly only?: readonly string[];
};

const [first, second, third] = [partitionDate('2024-01-14'), partitionDate('2024-01-15'), partitionDate('2024-01-18')];
const dates = [first, second];
/** With dates in between that nobody asked for. */
const scattered = [first, third];
const signal = new AbortController().signal;
const labels = {};
const calendar = createCalendar([first, second, third].map((date) => ({ date, season: 'any', kinds: [{ kind: 'any', items: 1 }] })));
const calendarColumns = ['date DATE', 'items INT64', 'kind STRING', 'season STRING'];

const columnWords = (columns: readonly { readonly name: string; readonly type: string }[]): readonly string[] =>
  columns.map(({ name, type }) => `${name} ${type}`).sort();

/** What one of them has and the other has not. */
const differenceOf = (declared: readonly string[], yielded: readonly string[]): string | undefined => {
  const words = [
    ...declared.filter((column) => !yielded.includes(column)).map((column) => `declared ${column}`),
    ...yielded.filter((column) => !declared.includes(column)).map((column) => `yields ${column}`),
  ];
  return words.length === 0 ? undefined : words.join(', ');
};

class Analysis {
  readonly #project: RowlessProject;
  readonly #input: AnalyzePipelineInput;
  readonly #plan: LoadedPlan;
  readonly #run = crypto.randomUUID();
  readonly problems: string[] = [];

  constructor(project: RowlessProject, input: AnalyzePipelineInput) {
    [this.#project, this.#input] = [project, input];
    // Its files are not here: a table for each is made as it is declared.
    const sources = input.pipeline.sources.map((source) => ({ ...source, optional: true as const }));
    this.#plan = { pipeline: { ...input.pipeline, sources }, calendar, entries: new Map() };
  }

  get #warehouse(): RowlessProject['warehouse'] {
    return this.#project.warehouse;
  }

  /** A refusal is a problem of the file, and ends nothing but this one call. */
  async #ask<Answer>(file: string, what: string, call: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof WarehouseError)) throw error;
      this.problems.push(`${file}: ${what}: ${error.message}`);
      return undefined;
    }
  }

  /** All tables, and the log of commits of each. */
  async prepare(): Promise<void> {
    const { pipeline } = this.#plan;
    await this.#project.makeDatasets(pipeline.processors.map(({ table }) => table.split('.')[0] as string));
    for (const processor of pipeline.processors)
      await this.#ask(this.#declarationOf(processor), 'table', () => this.#warehouse.prepareTable(specOf(processor), signal));
  }

  async pipeline(): Promise<void> {
    const { pipeline } = this.#plan;
    const { sql } = pipeline.calendar;
    const read = await this.#ask(this.#fileOf(sql, 'pipeline.yaml'), 'calendar', () =>
      this.#warehouse.query(sql, { dialect: 'googlesql', sources: pipeline.sources, maxRows: 1 }, signal),
    );
    const difference = read === undefined ? undefined : differenceOf(calendarColumns, columnWords(read.columns));
    if (difference !== undefined) this.problems.push(`${this.#fileOf(sql, 'pipeline.yaml')}: calendar: ${difference}`);
    for (const source of pipeline.sources)
      await this.#ask('pipeline.yaml', `digest of source ${source.name}`, () => this.#warehouse.digestSource(source, { first, last: third }, signal));
  }

  async processor(processor: Processor): Promise<void> {
    const target = specOf(processor);
    const declared = this.#declarationOf(processor);
    await this.#ask(declared, 'digest', () => this.#warehouse.digestTable(target, { first, last: third }, signal));
    await this.#checks(
      processor,
      'gate',
      'committed',
      gateChecksOf(this.#plan, processor, dates, () => undefined),
    );
    if (processor.kind === 'external') return;
    const staging = await this.#stage(processor, dates);
    if (staging === undefined) return;
    await this.#stage(processor, scattered);
    await this.#checks(processor, 'audit', { staging }, checksOf(this.#plan, processor, processor.audits, dates));
    await this.#ask(declared, 'quarantine', () => this.#warehouse.preserveStaging(target, staging, first, `${staging}_kept`, signal));
    await this.#ask(declared, 'read of staged rows', () => this.#warehouse.readStaging(target, staging, first, 20, signal));
    await this.#ask(declared, 'fence', () => this.#warehouse.fence(target, 1, signal));
    await this.#ask(declared, 'commit log', () => this.#warehouse.readCommitLog(target, 'all', signal));
    for (const strategy of ['merge', 'insert_only'] as const) {
      // The second date is written anew whatever is there, so that every script replaces beside what else it does.
      const entries = dates.map((date, index) => ({ date, generation: 1, staging, contentHash: '0f', rows: 0, backfillId: 'b', rewrite: index === 1 }));
      const jobId = `commit_${processor.id}_${strategy}_${this.#run}`;
      await this.#ask(declared, `commit by ${strategy}`, () =>
        this.#warehouse.commit({ jobId, target, strategy, laneEpoch: 1, entries, committedAt: 1_705_000_000_000 }, signal),
      );
    }
  }

  /** Name of the staging. The columns of its SELECT must be the declared ones, to the type: nothing is left to coercion. */
  async #stage(processor: Processor, wanted: StageJob['dates']): Promise<string | undefined> {
    const before = this.#project.accepted.length;
    const body =
      processor.kind === 'code' ? await this.#runCode(processor) : ({ kind: 'select', sql: processor.source, sources: this.#plan.pipeline.sources } as const);
    const staging = `s_${this.#run}_${wanted.at(-1)}`;
    const job: StageJob = { jobId: `stage_${processor.id}_${staging}`, target: specOf(processor), staging, dates: wanted, body, labels };
    const file = processor.sourceFile === '' ? this.#declarationOf(processor) : processor.sourceFile;
    const staged = await this.#ask(file, 'staging', () => this.#warehouse.stage(job, signal));
    const [select] = this.#project.accepted.slice(before);
    if (processor.kind !== 'code' && select !== undefined) {
      const difference = differenceOf(columnWords(processor.columns), columnWords(select.columns));
      if (difference !== undefined && wanted === dates) this.problems.push(`${file}: columns: ${difference}`);
    }
    return staged === undefined ? undefined : staging;
  }

  /** Asks everything that the code asks before it needs rows, settings or somebody's server. Its rows are not SQL. */
  async #runCode(processor: Processor): Promise<StageJob['body']> {
    const params = { start_date: dates[0] as string, end_date: dates.at(-1) as string };
    const run = await this.#input.code(processor);
    let asked = 0;
    const query = async (sql: string, more: Readonly<Record<string, unknown>> = {}) => {
      asked += 1;
      const options = {
        dialect: 'googlesql' as const,
        params: { ...params, ...(more as Record<string, string>) },
        sources: this.#plan.pipeline.sources,
        maxRows: 1_000,
      };
      return (await this.#ask(processor.sourceFile, 'query', () => this.#warehouse.query(sql, options, signal)))?.rows ?? [];
    };
    try {
      await runCode(run, dates, query);
    } catch (error) {
      this.problems.push(`${processor.sourceFile}: the code failed: ${String(error)}`);
    }
    if (asked === 0) this.problems.push(`${processor.sourceFile}: the code asked for nothing, so that none of its SQL was analyzed`);
    return { kind: 'rows', rows: (async function* () {})() };
  }

  /** All by one statement as in a backfill; where that is refused, one by one, to name the check. */
  async #checks(processor: Processor, what: string, subject: CheckJob['subject'], checks: readonly NamedCheck[]): Promise<void> {
    const job = (some: readonly NamedCheck[]): CheckJob => ({
      target: specOf(processor),
      subject,
      dates,
      checks: some.map(({ keyed }) => keyed),
      sources: this.#plan.pipeline.sources,
      labels,
    });
    const known = this.problems.length;
    try {
      await this.#warehouse.runChecks(job(checks), signal);
    } catch (together) {
      for (const check of checks) {
        const { check: declared } = check.keyed;
        const text = 'sql' in declared ? declared.sql : 'where' in declared ? (declared.where ?? '') : '';
        await this.#ask(this.#fileOf(text, this.#declarationOf(processor)), `${what} ${processor.id} ${check.name}`, () =>
          this.#warehouse.runChecks(job([check]), signal),
        );
      }
      if (this.problems.length === known) this.problems.push(`${this.#declarationOf(processor)}: ${what}: only together: ${String(together)}`);
    }
  }

  #declarationOf({ id }: Processor): string {
    const own = `processors/${id}.yaml`;
    return this.#input.files.has(own) ? own : 'pipeline.yaml';
  }

  /** The file that is this text; or one that says it, if possible `otherwise`, where a processor's own declaration is. */
  #fileOf(text: string, otherwise: string): string {
    const wanted = text.trim();
    const files = [...this.#input.files];
    const whole = files.find(([, content]) => wanted !== '' && content.trim() === wanted);
    const line = wanted.split('\n')[0] as string;
    const says = (file: string): boolean => this.#input.files.get(file)?.includes(line) ?? false;
    if (whole !== undefined || says(otherwise)) return whole?.[0] ?? otherwise;
    return files.find(([file]) => file.endsWith('.yaml') && says(file))?.[0] ?? otherwise;
  }
}

/** Side by side, each in a project of its own: much of the time is spent in waiting for the analyzer. */
const lanes = 3;

export const analyzePipeline = async (bigquery: RowlessBigQuery, input: AnalyzePipelineInput): Promise<AnalyzedPipeline> => {
  const statements = new Map<string, readonly Analyzed[]>();
  const left = input.pipeline.processors.filter(({ id }) => input.only?.includes(id) ?? true);
  const work = async (isFirst: boolean): Promise<readonly string[]> => {
    const project = bigquery.newProject();
    const analysis = new Analysis(project, input);
    const take = async (name: string, ask: () => Promise<void>): Promise<void> => {
      const before = project.accepted.length;
      await ask();
      statements.set(name, project.accepted.slice(before));
    };
    await analysis.prepare();
    if (isFirst) await take('', () => analysis.pipeline());
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const processor = next;
      await take(processor.id, () => analysis.processor(processor));
    }
    return analysis.problems;
  };
  const problems = await Promise.all(Array.from({ length: Math.min(lanes, left.length) }, (_, lane) => work(lane === 0)));
  return { pipeline: input.pipeline, statements, problems: [...new Set(problems.flat())].sort() };
};
