// Contamination: the columns that an edge declares critical, date by date against the threshold of each, never over several
// dates (an average of 60 % hides that 40 % of the dates are rotten); and who has read the rotten dates, through how many
// edges whatever (P48: one column never filled, 10,068 of 10,069 rows two tables further on).
import { windowIndexes } from '../domain/calendar.ts';
import { declaredSkip } from '../domain/ledger.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Processor } from '../domain/pipeline.ts';
import type { WarehouseCheck, Warehouse } from '../ports/warehouse.ts';
import { namedAudits, type NamedCheck } from './audit-staged.ts';
import { asAudits } from './gate-checks.ts';
import { TableFindings, type Contaminated, type TableReport } from './validate-report.ts';
import { checkCommitted } from './validate-rows.ts';
import { dateAt, readThrough, skipStatus, type Scope } from './validate-scope.ts';

type Deps = { readonly warehouse: Warehouse };

/** Critical columns of a table, each with those who demand it. */
type Contract = { readonly check: NamedCheck; readonly readers: readonly string[] };

const readersOf = (scope: Scope, table: string): readonly Processor[] =>
  scope.plan.pipeline.processors.filter(({ upstreams }) => upstreams.some((upstream) => upstream.table === table && upstream.critical.length > 0));

const contractsOf = (scope: Scope, processor: Processor, dates: readonly PartitionDate[]): readonly Contract[] => {
  const byRule = new Map<string, { readonly audit: ReturnType<typeof asAudits>[number]; readonly readers: Set<string> }>();
  for (const reader of readersOf(scope, processor.table)) {
    for (const { table, critical } of reader.upstreams) {
      if (table !== processor.table) continue;
      for (const audit of critical.flatMap(asAudits)) {
        const rule = JSON.stringify(audit.check);
        const known = byRule.get(rule) ?? { audit, readers: new Set() };
        known.readers.add(reader.id);
        byRule.set(rule, known);
      }
    }
  }
  const contracts = [...byRule.values()];
  // not_zero refuses NULL as well: the weaker rule of the same column would say everything twice.
  const isCovered = (check: WarehouseCheck, readers: ReadonlySet<string>): boolean =>
    check.type === 'not_null' &&
    contracts.some(
      (other) =>
        JSON.stringify({ ...other.audit.check, type: 'not_null' }) === JSON.stringify(check) &&
        other.audit.check.type === 'not_zero' &&
        readers.isSubsetOf(other.readers),
    );
  const kept = contracts.filter(({ audit, readers }) => !isCovered(audit.check, readers));
  const checks = namedAudits(
    scope.plan,
    processor,
    kept.map(({ audit }) => audit),
    dates,
  );
  return checks.map((check, index) => ({ check, readers: [...(kept[index]?.readers ?? [])] }));
};

/** Tables that somebody demands critical columns of: the selected ones, and external ones that a selected processor reads. */
const examinedTables = (scope: Scope): readonly Processor[] => {
  const selected = new Set(scope.processors.map(({ id }) => id));
  return scope.plan.pipeline.processors.filter((processor) => {
    const readers = readersOf(scope, processor.table);
    return readers.length > 0 && (processor.kind === 'external' ? readers.some(({ id }) => selected.has(id)) : selected.has(processor.id));
  });
};

const examine = async (deps: Deps, scope: Scope, processor: Processor, signal: AbortSignal): Promise<TableFindings> => {
  const { calendar } = scope.plan;
  const isExternal = processor.kind === 'external';
  const readers = readersOf(scope, processor.table);
  const positions = [...new Set([...scope.wanted, ...readThrough(calendar, processor.table, readers, scope.wanted)])].sort((a, b) => a - b);
  const into = new TableFindings(
    processor,
    isExternal ? 'external' : 'target',
    positions.filter((index) => !scope.isWanted(index)).map((index) => dateAt(calendar, index)),
  );
  const dates: PartitionDate[] = [];
  for (const index of positions) {
    const date = dateAt(calendar, index);
    const skip = declaredSkip(processor, calendar, index);
    into.begin(date, skip === undefined ? 'complete' : skipStatus(skip));
    if (skip !== undefined) continue;
    // Nothing can be said of rows that are not there; clean they are not.
    if (!isExternal && scope.entryOf(processor.id, date) === undefined)
      into.add({ date, check: 'committed', outcome: 'could_not_tell', message: 'not computed: there is nothing to judge', repair: 'missing' });
    else dates.push(date);
  }
  const contracts = contractsOf(scope, processor, dates);
  const hasRows = dates.some((date) => (scope.entryOf(processor.id, date)?.rows ?? 0) > 0);
  const checks = contracts.map(({ check }) => check);
  const result = await checkCommitted({ ...deps, plan: scope.plan }, { processor, dates, checks, into, hasRows }, signal);
  for (const { named, date, message, offending, examples } of result.findings) {
    const demanders = contracts.find(({ check }) => check === named)?.readers ?? [];
    into.add({ date, check: named.name, message: `${message}; ${demanders.join(', ')} ${demanders.length === 1 ? 'reads' : 'read'} it`, offending, examples });
  }
  if (result.isJudged) {
    into.rows = dates.reduce((sum, date) => sum + result.rowsOf(date), 0);
    for (const date of dates) {
      if (result.rowsOf(date) > 0 || into.statusOf(date) !== 'complete') continue;
      if (isExternal || (scope.entryOf(processor.id, date)?.rows ?? 0) === 0) into.begin(date, 'empty_ok');
      else into.add({ date, check: 'as_committed', message: `no rows, although ${scope.entryOf(processor.id, date)?.rows} were committed` });
    }
  }
  return into;
};

/**
 * Partitions that were computed from the rotten dates, or from such partitions: committed, with the date in their window, and
 * not before the rotten rows were.
 */
const findContaminated = (scope: Scope, rotten: ReadonlyMap<Processor, readonly PartitionDate[]>): readonly Contaminated[] => {
  const { pipeline, calendar } = scope.plan;
  const reached = new Map<string, Set<number>>();
  const direct = new Set<string>();
  for (const [{ table }, dates] of rotten) reached.set(table, new Set(dates.map((date) => calendar.indexOf.get(date) as number)));
  const isRottenTable = new Set([...rotten.keys()].map(({ table }) => table));
  const committedAt = (producer: Processor | undefined, index: number): number =>
    producer === undefined ? 0 : (scope.entryOf(producer.id, dateAt(calendar, index))?.committedAt ?? 0);
  const found: Contaminated[] = [];
  for (const processor of pipeline.processors) {
    if (processor.kind === 'external') continue;
    const own = reached.get(processor.table) ?? new Set<number>();
    const read: PartitionDate[] = [];
    const edges = processor.upstreams.flatMap((upstream) => {
      const bad = reached.get(upstream.table);
      return bad === undefined || bad.size === 0 ? [] : [{ ...upstream, bad, producer: pipeline.processors.find(({ table }) => table === upstream.table) }];
    });
    if (edges.length === 0) continue;
    for (let index = 0; index < calendar.dates.length; index += 1) {
      const entry = scope.entryOf(processor.id, dateAt(calendar, index));
      if (entry === undefined || own.has(index)) continue;
      const hasRead = edges.some(({ bad, window, producer }) => {
        const { from, to } = windowIndexes(calendar, window, index);
        for (let at = from; at < to; at += 1) if (bad.has(at) && committedAt(producer, at) <= entry.committedAt) return true;
        return false;
      });
      if (!hasRead) continue;
      read.push(dateAt(calendar, index));
      own.add(index);
    }
    reached.set(processor.table, own);
    if (edges.some(({ table }) => isRottenTable.has(table))) direct.add(processor.id);
    if (read.length > 0) found.push({ processor: processor.id, table: processor.table, direct: direct.has(processor.id), dates: read });
  }
  return found;
};

export type Contamination = { readonly tables: readonly TableReport[]; readonly contaminated: readonly Contaminated[]; readonly edges: number };

export const validateContamination = async (deps: Deps, scope: Scope, signal: AbortSignal): Promise<Contamination> => {
  const examined = examinedTables(scope);
  const findings = new Map<Processor, TableFindings>();
  for (const processor of examined) {
    scope.progress({ done: findings.size, total: examined.length, what: processor.table });
    findings.set(processor, await examine(deps, scope, processor, signal));
  }
  const rotten = new Map<Processor, readonly PartitionDate[]>();
  for (const [processor, into] of findings) {
    const dates = into.dates.filter((date) => into.statusOf(date) === 'failed');
    if (dates.length > 0) rotten.set(processor, dates);
  }
  const edges = examined.reduce((sum, { table }) => sum + readersOf(scope, table).length, 0);
  return { tables: [...findings.values()].map((into) => into.report()), contaminated: findContaminated(scope, rotten), edges };
};
