// Preflight: could the selection be computed, as things are now? Everything that its partitions read, through their windows and
// the lookback, is looked at: rows of sources per date and kind of the calendar, upstream partitions committed and fresh, the
// target tables as declared. Upstreams that the selection computes itself count as what will become of them.
import { windowIndexes } from '../domain/calendar.ts';
import { declaredSkip, freshnessOf, type Freshness, type LedgerView } from '../domain/ledger.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Processor, Source, Upstream } from '../domain/pipeline.ts';
import { FloodgateError } from '../domain/errors.ts';
import type { SourceDigest, Warehouse } from '../ports/warehouse.ts';
import { specOf, viewOf } from './ledger-reader.ts';
import { TableFindings, type TableReport } from './validate-report.ts';
import { couldNotTell } from './validate-rows.ts';
import { dateAt, readThrough, skipStatus, type Scope } from './validate-scope.ts';

type Deps = { readonly warehouse: Warehouse };

/** What a source or an external table holds, or why nobody can tell. */
type Outside = { readonly digests: ReadonlyMap<PartitionDate, SourceDigest> } | { readonly error: unknown };

type Look = {
  readonly scope: Scope;
  readonly view: LedgerView;
  readonly outside: ReadonlyMap<string, Outside>;
  /** By table: of the positions that were looked at, whether a reader finds what it needs. */
  readonly found: Map<string, TableFindings>;
};

const isSelected = (scope: Scope, processor: Processor): boolean => scope.processors.includes(processor);

/** Processors whose inputs matter: the selected ones, and those that they read, whose freshness is asked. */
const outsideTables = ({ plan: { pipeline }, processors }: Scope): ReadonlySet<string> => {
  const read = new Set(processors.flatMap(({ upstreams }) => upstreams.map(({ table }) => table)));
  const producers = pipeline.processors.filter(({ table, kind }) => read.has(table) && kind !== 'external');
  const tables = [...processors, ...producers].flatMap(({ upstreams }) => upstreams.map(({ table }) => table));
  return new Set(tables.filter((table) => !pipeline.processors.some((other) => other.table === table && other.kind !== 'external')));
};

const readOutside = async (deps: Deps, scope: Scope, signal: AbortSignal): Promise<ReadonlyMap<string, Outside>> => {
  const { pipeline, calendar } = scope.plan;
  const range = { first: dateAt(calendar, 0), last: dateAt(calendar, scope.wanted.at(-1) as number) };
  const outside = new Map<string, Outside>();
  const tables = outsideTables(scope);
  for (const table of tables) {
    scope.progress({ done: outside.size, total: tables.size + 1, what: table });
    const source = pipeline.sources.find(({ name }) => `source.${name}` === table);
    const external = pipeline.processors.find((other) => other.table === table);
    try {
      if (source !== undefined) outside.set(table, { digests: await deps.warehouse.digestSource(source, range, signal) });
      else if (external !== undefined) outside.set(table, { digests: await deps.warehouse.digestTable(specOf(external), range, signal) });
    } catch (error) {
      if (signal.aborted) throw error;
      outside.set(table, { error });
    }
  }
  return outside;
};

const isMissingFile = (error: unknown): boolean => error instanceof FloodgateError && error.code === 'source_missing';

/** Rows of a source or an external table on the dates that the selection reads. */
const lookOutside = ({ scope, outside, found }: Look, table: string, signal: AbortSignal): void => {
  const { pipeline, calendar } = scope.plan;
  const positions = readThrough(calendar, table, scope.processors, scope.wanted);
  const state = outside.get(table);
  if (state === undefined || positions.length === 0) return;
  const source: Source | undefined = pipeline.sources.find(({ name }) => `source.${name}` === table);
  const external = pipeline.processors.find((other) => other.table === table);
  const lookback = positions.filter((index) => !scope.isWanted(index)).map((index) => dateAt(calendar, index));
  const into = new TableFindings({ id: external?.id ?? table, table, phase: 0 }, source === undefined ? 'external' : 'source', lookback);
  found.set(table, into);
  const covers = source?.covers ?? external?.covers;
  let [rows, without] = [0, 0];
  for (const index of positions) {
    const { date, kinds } = calendar.dates[index] as (typeof calendar.dates)[number];
    const own = covers === undefined ? kinds : kinds.filter(({ kind }) => covers.includes(kind));
    into.begin(date, own.length === 0 ? 'empty_ok' : 'complete');
    if ('error' in state || own.length === 0) continue;
    rows += state.digests.get(date)?.rows ?? 0;
    if (state.digests.has(date)) continue;
    without += 1;
    if (source?.optional === true) into.begin(date, 'empty_ok');
    else {
      const expected = own.map(({ kind, items }) => `${items} ${kind}`).join(', ');
      into.add({ date, check: 'source', message: `no rows, and the calendar has ${expected}`, examples: [...own], repair: '' });
    }
  }
  if (!('error' in state)) into.rows = rows;
  else if (isMissingFile(state.error)) into.add({ date: null, check: 'source', message: (state.error as Error).message, repair: '' });
  else couldNotTell(into, 'source', state.error, signal);
  if (source?.optional === true && without > 0) into.note(`it is optional, and has no rows on ${without} of these dates`);
};

const readsUnreadable = ({ outside }: Look, { upstreams }: Processor): Upstream | undefined =>
  upstreams.find(({ table }) => {
    const state = outside.get(table);
    return state !== undefined && 'error' in state && !isMissingFile(state.error);
  });

/** A partition that the selection reads and does not compute: is it committed, and fresh? */
const lookAtUpstream = (look: Look, producer: Processor, index: number, into: TableFindings): void => {
  const { scope, view } = look;
  const { pipeline, calendar } = scope.plan;
  const date = dateAt(calendar, index);
  const skip = declaredSkip(producer, calendar, index);
  into.begin(date, skip === undefined ? 'complete' : skipStatus(skip));
  if (skip !== undefined) return;
  const freshness: Freshness = freshnessOf(pipeline, producer, calendar, index, view);
  const unreadable = readsUnreadable(look, producer);
  if (freshness === 'missing') into.add({ date, check: 'committed', message: 'not computed', repair: 'missing' });
  else if (freshness === 'stale_code') into.add({ date, check: 'version', message: 'holds the rows of another version of this processor', repair: 'stale' });
  else if (unreadable !== undefined)
    into.add({ date, check: 'fresh', outcome: 'could_not_tell', message: `${unreadable.table} can't be read, from which it was computed`, repair: '' });
  else if (freshness === 'stale_input') into.add({ date, check: 'fresh', message: 'computed from inputs that have changed since', repair: 'stale' });
};

type Lack = { readonly date: PartitionDate; readonly status: string };
type LackKind = 'source' | 'not_computable' | 'not_computed';
const lackWords: Readonly<Record<LackKind, string>> = {
  source: 'has no rows',
  not_computable: 'can’t be computed',
  not_computed: 'is not computed, or not fresh,',
};

const describeLacks = (upstream: Upstream, lacks: readonly Lack[], all: number, kind: LackKind): string => {
  const listed = lacks
    .slice(0, 3)
    .map(({ date }) => date)
    .join(', ');
  const more = lacks.length > 3 ? ` and ${lacks.length - 3} more` : '';
  const what = lackWords[kind];
  return all === 1
    ? `${upstream.table} ${what} on ${listed}`
    : `${upstream.table} ${what} on ${lacks.length} of the ${all} dates that it reads: ${listed}${more}`;
};

/** A partition that the selection computes: is everything there that it reads? */
const lookAtTarget = (look: Look, processor: Processor, index: number, into: TableFindings): void => {
  const { scope, found } = look;
  const { pipeline, calendar } = scope.plan;
  const date = dateAt(calendar, index);
  const skip = declaredSkip(processor, calendar, index);
  into.begin(date, skip === undefined ? 'complete' : skipStatus(skip));
  if (skip !== undefined) return;
  for (const upstream of processor.upstreams) {
    if (upstream.optional === true) continue;
    const { from, to } = windowIndexes(calendar, upstream.window, index);
    const state = found.get(upstream.table);
    const lacks: Lack[] = [];
    for (let at = from; at < to; at += 1) {
      const status = state?.statusOf(dateAt(calendar, at)) ?? 'unknown';
      if (status === 'failed' || status === 'partial' || status === 'unknown') lacks.push({ date: dateAt(calendar, at), status });
    }
    if (lacks.length === 0) continue;
    const producer = pipeline.processors.find((other) => other.table === upstream.table && other.kind !== 'external');
    const isPlanned = ({ date: lacking }: Lack): boolean =>
      producer !== undefined && isSelected(scope, producer) && scope.isWanted(calendar.indexOf.get(lacking) ?? -1);
    const kind: LackKind = producer === undefined ? 'source' : lacks.some(isPlanned) ? 'not_computable' : 'not_computed';
    const isUnknown = lacks.every(({ status }) => status === 'unknown');
    const message = isUnknown ? `nobody can tell whether ${upstream.table} is there on ${lacks[0]?.date}` : describeLacks(upstream, lacks, to - from, kind);
    into.add(
      {
        date,
        check: 'upstream',
        severity: upstream.strength === 'soft' ? 'warn' : 'block',
        outcome: isUnknown && upstream.strength === 'hard' ? 'could_not_tell' : 'failed',
        message,
        offending: lacks.length,
        examples: lacks.slice(0, 5).map((lack) => ({ table: upstream.table, ...lack })),
        repair: '',
      },
      // What a backfill would compute first is not there yet, and no more; rows of a source nobody computes.
      kind === 'not_computed' ? 'partial' : 'failed',
    );
  }
};

const lookAtSchema = async (deps: Deps, processor: Processor, into: TableFindings, signal: AbortSignal): Promise<void> => {
  try {
    const state = await deps.warehouse.inspectTable(specOf(processor), signal);
    if (state.state === 'absent') into.note('the table is not there yet: the first commit makes it');
    else if (state.state === 'different')
      into.add({ date: null, check: 'schema', message: `the table is not as declared: ${state.differences.join('; ')}`, repair: '' });
    else if (state.missing.length > 0) into.note(`columns to be added: ${state.missing.join(', ')}`);
  } catch (error) {
    couldNotTell(into, 'schema', error, signal);
  }
};

const noteVersions = (scope: Scope, processor: Processor, into: TableFindings): void => {
  const entries = scope.wanted.flatMap((index) => scope.entryOf(processor.id, dateAt(scope.plan.calendar, index)) ?? []);
  const other = entries.filter(({ codeHash }) => codeHash !== processor.codeHash).length;
  if (other > 0) into.note(`${other} of ${entries.length} committed dates hold the rows of another version`);
};

export const validatePreflight = async (
  deps: Deps,
  scope: Scope,
  signal: AbortSignal,
): Promise<{ readonly tables: readonly TableReport[]; readonly advice: readonly string[] }> => {
  const { pipeline, calendar } = scope.plan;
  const outside = await readOutside(deps, scope, signal);
  const digests = new Map([...outside].flatMap(([table, state]) => ('digests' in state ? [[table, state.digests] as const] : [])));
  const look: Look = { scope, outside, view: viewOf(pipeline.id, scope.years, digests), found: new Map() };
  for (const table of outside.keys()) lookOutside(look, table, signal);
  scope.progress({ done: outside.size, total: outside.size + 1, what: 'what is committed' });
  let planned = false;
  for (const processor of pipeline.processors) {
    if (processor.kind === 'external') continue;
    const isTarget = isSelected(scope, processor);
    const readHere = readThrough(calendar, processor.table, scope.processors, scope.wanted);
    const lookback = readHere.filter((index) => !(isTarget && scope.isWanted(index)));
    if (!isTarget && lookback.length === 0) continue;
    const outsideSelection = lookback.filter((index) => !scope.isWanted(index)).map((index) => dateAt(calendar, index));
    const into = new TableFindings(processor, isTarget ? 'target' : 'upstream', outsideSelection);
    look.found.set(processor.table, into);
    for (const index of lookback) lookAtUpstream(look, processor, index, into);
    planned ||= into.problems.some(({ repair }) => repair !== '');
    if (!isTarget) continue;
    for (const index of scope.wanted) lookAtTarget(look, processor, index, into);
    await lookAtSchema(deps, processor, into, signal);
    noteVersions(scope, processor, into);
  }
  const advice = planned ? ['a backfill of the selection computes missing and stale upstreams first, by itself'] : [];
  return { tables: [...look.found.values()].map((into) => into.report()), advice };
};
