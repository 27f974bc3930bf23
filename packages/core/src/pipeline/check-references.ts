// Checks of what processors say about one another: phases and tables exist, each table has one processor, nothing reads
// a later phase or itself in a circle, and only `load` and `code` read the sources.
import { hasColumn, processorsOf, typeOfColumn, type CheckContext, type ProcessorDraft } from './check-context.ts';
import { checkCheck, checkSqlFile } from './check-processors.ts';
import { findCircles } from './pipeline-graph.ts';
import { listNames, suggestName } from './problem.ts';

const numeric: ReadonlySet<string> = new Set(['INT64', 'FLOAT64', 'NUMERIC']);

type Owner = { readonly id: string; readonly processor: ProcessorDraft };

const ownersOf = (context: CheckContext): ReadonlyMap<string, Owner> => {
  const owners = new Map<string, Owner>();
  for (const [id, processor] of processorsOf(context.draft)) {
    const { table } = processor;
    if (table === undefined) continue;
    const path = ['processors', id, 'table'];
    const other = owners.get(table);
    if (table.startsWith('source.')) {
      context.report(
        path,
        `expected a dataset of your own, found "${table}": "source" is the name under which SQL reads the declared sources`,
        'choose another dataset',
      );
    } else if (other !== undefined) {
      context.report(
        path,
        `expected one processor for each table, found ${table} a second time: ${other.id} writes it too`,
        'give one of the two another table',
      );
    } else owners.set(table, { id, processor });
  }
  return owners;
};

const checkUpstream = (context: CheckContext, id: string, processor: ProcessorDraft, table: string, owners: ReadonlyMap<string, Owner>): void => {
  const path = ['processors', id, 'upstreams', table];
  const sources = context.draft.sources ?? {};
  let columns = owners.get(table)?.processor.columns;
  if (table.startsWith('source.')) {
    const name = table.slice('source.'.length);
    const known = Object.keys(sources).map((each) => `source.${each}`);
    if (!Object.hasOwn(sources, name))
      context.report(path, `expected a declared source, found "${table}"`, suggestName(table, known, 'a source'), { atKey: true });
    else columns = sources[name]?.columns;
    if (processor.kind !== undefined && processor.kind !== 'load' && processor.kind !== 'code') {
      context.report(
        path,
        `expected only processors of kind load or code to read sources, found ${id} of kind ${processor.kind} reading ${table}`,
        `load ${table} into a table with a processor of kind load, and read that table here`,
        { atKey: true },
      );
    }
  } else {
    const owner = owners.get(table);
    if (owner === undefined) {
      context.report(path, `expected the table of a processor, found "${table}", which none writes`, suggestName(table, owners.keys(), 'a table'), {
        atKey: true,
      });
    } else if (owner.processor.phase !== undefined && processor.phase !== undefined && owner.processor.phase > processor.phase) {
      context.report(
        path,
        `expected upstreams in phase ${processor.phase} or earlier, found ${table}, which ${owner.id} writes in phase ${owner.processor.phase}`,
        `move ${id} to phase ${owner.processor.phase} or later, or ${owner.id} to phase ${processor.phase}`,
        { atKey: true },
      );
    }
  }
  const upstream = processor.upstreams?.[table];
  if (typeof upstream !== 'object' || columns === undefined) return;
  for (const [index, critical] of (upstream.critical ?? []).entries()) {
    const column = typeof critical === 'object' ? critical.column : critical;
    if (column === undefined) continue;
    const at = [...path, 'critical', index];
    const type = typeOfColumn(columns, column);
    if (!hasColumn(columns, column))
      context.report(at, `expected a column of ${table}, found "${column}"`, suggestName(column, Object.keys(columns), 'a column'));
    else if (typeof critical === 'object' && critical.not_zero === true && type !== undefined && !numeric.has(type)) {
      context.report(
        at,
        `expected a column of numbers for not_zero, found "${column}" of type ${type}`,
        'remove not_zero: a critical column is never null anyway',
      );
    }
  }
};

const checkUpstreams = (context: CheckContext, id: string, processor: ProcessorDraft, owners: ReadonlyMap<string, Owner>): void => {
  const path = ['processors', id];
  const upstreams = Object.keys(processor.upstreams ?? {});
  if (processor.kind === 'external' && upstreams.length > 0) {
    context.report(
      [...path, 'upstreams'],
      `expected no upstreams: others fill the table of an external processor, found ${listNames(upstreams)}`,
      'remove them, or change the kind',
      { atKey: true },
    );
    return;
  }
  for (const table of upstreams) checkUpstream(context, id, processor, table, owners);
  const sources = upstreams.filter((table) => table.startsWith('source.'));
  if (processor.kind === 'load' && sources.length === 0) {
    const names = Object.keys(context.draft.sources ?? {}).map((name) => `source.${name}`);
    const fix = names.length === 0 ? 'declare a source and add it to the upstreams' : `add one to the upstreams: ${listNames(names)}`;
    context.report(
      [...path, 'upstreams'],
      `expected a load to read a source, found ${upstreams.length === 0 ? 'no upstreams' : `only ${listNames(upstreams)}`}`,
      `${fix}; or use kind sql`,
      { atKey: true },
    );
  }
};

const checkCircles = (context: CheckContext, owners: ReadonlyMap<string, Owner>): void => {
  const nodes = processorsOf(context.draft).map(([id, { phase, upstreams }]) => ({
    id,
    phase: phase ?? 0,
    reads: Object.keys(upstreams ?? {}).flatMap((table) => owners.get(table)?.id ?? []),
  }));
  for (const circle of findCircles(nodes)) {
    const [first = '', second = first] = circle;
    const table = context.draft.processors?.[second]?.table ?? '';
    const chain = [...circle, first].join(' -> ');
    const path = ['processors', first, 'upstreams', table];
    if (circle.length === 1)
      context.report(
        path,
        `expected no processor to read its own table, found ${chain}`,
        'compute it from the upstreams alone, or split it into two processors',
        { atKey: true },
      );
    else
      context.report(path, `expected no circle among the processors, found ${chain} (each reads the next)`, 'remove one of these upstreams', { atKey: true });
  }
};

const checkCalendar = (context: CheckContext, owners: ReadonlyMap<string, Owner>): void => {
  const { calendar, sources } = context.draft;
  checkSqlFile(context, ['calendar', 'sql'], calendar?.sql);
  const external = [...owners].filter(([, { processor }]) => processor.kind === 'external').map(([table]) => table);
  const known = [...Object.keys(sources ?? {}).map((name) => `source.${name}`), ...external];
  for (const [index, table] of (calendar?.reads ?? []).entries()) {
    if (table === undefined || known.includes(table)) continue;
    const path = ['calendar', 'reads', index];
    const owner = owners.get(table);
    if (owner === undefined) context.report(path, `expected a declared source or an external table, found "${table}"`, suggestName(table, known, 'a source'));
    else {
      context.report(
        path,
        `expected a source or an external table, found ${table}, which ${owner.id} computes: the calendar is read before anything is computed`,
        `read what ${owner.id} reads: ${listNames(Object.keys(owner.processor.upstreams ?? {}))}`,
      );
    }
  }
};

const checkPhases = (context: CheckContext, owners: ReadonlyMap<string, Owner>): void => {
  const { phases = {} } = context.draft;
  const used = new Set<string>();
  for (const [id, { phase }] of processorsOf(context.draft)) {
    if (phase === undefined) continue;
    used.add(String(phase));
    if (Object.hasOwn(phases, String(phase))) continue;
    const declared = Object.keys(phases);
    context.report(
      ['processors', id, 'phase'],
      `expected the number of a declared phase, found ${phase}`,
      declared.length === 0
        ? 'declare the phase below "phases"'
        : `use ${declared.length === 1 ? `${declared[0]}, the only one there is` : `one of ${listNames(declared)}`}, or declare phase ${phase} below "phases"`,
    );
  }
  for (const [number, phase] of Object.entries(phases)) {
    if (!used.has(number) && /^\d+$/.test(number)) {
      context.report(['phases', number], `expected a processor in phase ${number}, found none`, 'remove the phase, or give a processor its number', {
        atKey: true,
        severity: 'warning',
      });
    }
    for (const [index, gateCheck] of (phase?.gate?.checks ?? []).entries()) {
      const path = ['phases', number, 'gate', 'checks', index];
      const table = gateCheck?.table;
      const owner = owners.get(table ?? '');
      if (table !== undefined && owner === undefined) {
        context.report(
          [...path, 'table'],
          `expected the table of a processor, found "${table}", which none writes`,
          suggestName(table, owners.keys(), 'a table'),
        );
      } else if (owner?.processor.phase !== undefined && owner.processor.phase > Number(number)) {
        context.report(
          [...path, 'table'],
          `expected a table of phase ${number} or earlier, found ${table} of phase ${owner.processor.phase}, which is filled only after this gate has opened`,
          `move the check to the gate of phase ${owner.processor.phase}`,
        );
      }
      if (gateCheck?.check !== undefined) checkCheck(context, [...path, 'check'], gateCheck.check, owner?.processor.columns, table ?? 'its table');
    }
  }
};

export const checkReferences = (context: CheckContext): void => {
  const owners = ownersOf(context);
  for (const [id, processor] of processorsOf(context.draft)) checkUpstreams(context, id, processor, owners);
  checkCircles(context, owners);
  checkCalendar(context, owners);
  checkPhases(context, owners);
};
