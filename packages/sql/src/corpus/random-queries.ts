/** Queries over the corpus's tables from one seed: projections, filters, joins, groupings, windows, set operations, CTEs. */
import { Random, RANDOM_TYPES, RandomExpressions } from './random-expressions.ts';
import type { RandomColumn, RandomType } from './random-expressions.ts';
import { CORPUS_TABLES } from './tables.ts';

interface Source {
  /** Behind FROM. */
  readonly sql: string;
  readonly columns: readonly RandomColumn[];
  /** Orders the rows in one way only. */
  readonly key: string;
}

const KEYS: Readonly<Record<string, string>> = { vals: 'id', games: 'game_id, pts, team_id', dates: 'id', teams: 'name', lists: 'id' };

/** The same seed gives the same query, whatever the machine. */
export function randomQuery(seed: number): string {
  const random = new Random(seed);
  const shapes = [projection, projection, grouping, windows, joined, joined, nested, setOperation, unnested];
  return random.pick(shapes)(random);
}

function table(random: Random, name = random.pick(['vals', 'vals', 'games', 'dates']), alias = random.pick(['t', 'x', name])): Source {
  const columns = (CORPUS_TABLES.find((candidate) => candidate.name === `d.${name}`)?.columns ?? []).map((column) => ({
    sql: `${alias}.${column.name}`,
    type: column.type,
  }));
  const key = (KEYS[name] ?? '')
    .split(', ')
    .map((column) => `${alias}.${column}`)
    .join(', ');
  return { sql: `d.${name} AS ${alias}`, columns, key };
}

function expressionsOf(random: Random, source: Source): RandomExpressions {
  return new RandomExpressions(random, source.columns);
}

function list(random: Random, expressions: RandomExpressions, depth = 3): { readonly sql: string; readonly types: readonly RandomType[] } {
  const types = Array.from({ length: 1 + random.below(3) }, () => random.pick(RANDOM_TYPES));
  return { sql: types.map((type, index) => `${expressions.make(type, depth)} AS c${index}`).join(', '), types };
}

function where(random: Random, expressions: RandomExpressions, probability = 0.4): string {
  return random.chance(probability) ? ` WHERE ${expressions.make('BOOL', 2)}` : '';
}

function projection(random: Random): string {
  const source = table(random);
  const expressions = expressionsOf(random, source);
  const isDistinct = random.chance(0.15);
  const direction = random.pick(['ASC', 'DESC', 'DESC NULLS FIRST', 'ASC NULLS LAST']);
  const order =
    isDistinct || random.chance(0.7) ? '' : ` ORDER BY IF(${expressions.make('BOOL', 1)}, ${expressions.make('INT64', 1)}, NULL) ${direction}, ${source.key}`;
  const items = isDistinct ? list(random, expressions).sql : `${source.key}, ${list(random, expressions).sql}`;
  return `SELECT ${isDistinct ? 'DISTINCT ' : ''}${items} FROM ${source.sql}${where(random, expressions)}${order}`;
}

function aggregate(random: Random, expressions: RandomExpressions, key: string): string {
  const of = (type: RandomType): string => expressions.make(type, 2);
  const ordered = key.replace(/,.*/u, '');
  const ways: readonly (() => string)[] = [
    () => 'COUNT(*)',
    () => `COUNT(${random.pick(['', 'DISTINCT '])}${of(random.pick(['INT64', 'STRING', 'DATE', 'NUMERIC', 'BOOL']))})`,
    () => `${random.pick(['SUM', 'AVG'])}(${of(random.pick(['NUMERIC', 'INT64']))})`,
    () => `${random.pick(['SUM', 'AVG'])}(MOD(${of('INT64')}, 100) / 4)`,
    () => `${random.pick(['MIN', 'MAX'])}(${of(random.pick(RANDOM_TYPES))})`,
    () => `COUNTIF(${of('BOOL')})`,
    () => `${random.pick(['LOGICAL_AND', 'LOGICAL_OR'])}(${of('BOOL')})`,
    () => `ROUND(${random.pick(['STDDEV', 'VAR_POP', 'VARIANCE'])}(MOD(${of('INT64')}, 100)), 6)`,
    () => `ARRAY_TO_STRING(ARRAY_AGG(${of('STRING')} IGNORE NULLS ORDER BY ${key}), '|')`,
    () => `STRING_AGG(${of('STRING')}, '-' ORDER BY ${key})`,
    () => `ARRAY_LENGTH(ARRAY_AGG(DISTINCT ${of('INT64')} IGNORE NULLS))`,
    () => `SUM(${of('INT64')}) + COUNT(*)`,
    () => `SAFE_DIVIDE(SUM(${of('INT64')}), COUNT(${ordered}))`,
    () => `BIT_OR(${of('INT64')})`,
  ];
  return random.pick(ways)();
}

function grouping(random: Random): string {
  const source = random.chance(0.3) ? joinOf(random) : table(random);
  const expressions = expressionsOf(random, source);
  const keys = Array.from({ length: random.below(3) }, () => expressions.make(random.pick(['INT64', 'STRING', 'BOOL', 'DATE']), 2));
  const aggregates = Array.from({ length: 1 + random.below(3) }, () => aggregate(random, expressions, source.key));
  const items = [...keys.map((key, index) => `${key} AS k${index}`), ...aggregates.map((text, index) => `${text} AS a${index}`)];
  const group = keys.length === 0 ? '' : ` GROUP BY ${keys.map((_key, index) => (random.chance(0.5) ? `k${index}` : String(index + 1))).join(', ')}`;
  const having = keys.length > 0 && random.chance(0.25) ? ` HAVING COUNT(*) > ${random.below(2)}` : '';
  return `SELECT ${items.join(', ')} FROM ${source.sql}${where(random, expressions)}${group}${having}`;
}

function windowFunction(random: Random, expressions: RandomExpressions, key: string): string {
  const of = (type: RandomType): string => expressions.makeNonNull(type, 1);
  const partition = random.chance(0.5) ? `PARTITION BY ${of(random.pick(['INT64', 'BOOL', 'STRING']))} ` : '';
  const order = `ORDER BY ${random.chance(0.4) ? `${of(random.pick(['INT64', 'STRING', 'DATE']))}${random.pick(['', ' DESC'])}, ` : ''}${key}`;
  const frame = random.pick([
    '',
    '',
    ' ROWS BETWEEN 2 PRECEDING AND CURRENT ROW',
    ' ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING',
    ' ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING',
  ]);
  const numbering = random.pick([
    'ROW_NUMBER()',
    'RANK()',
    'DENSE_RANK()',
    'NTILE(3)',
    `LAG(${of('INT64')})`,
    `LEAD(${of('STRING')}, 2)`,
    `LAG(${of('INT64')}, 1, -1)`,
    'PERCENT_RANK()',
    'CUME_DIST()',
  ]);
  const framed = random.pick([
    `SUM(${of(random.pick(['INT64', 'NUMERIC']))})`,
    `AVG(MOD(${of('INT64')}, 100))`,
    `AVG(${of('NUMERIC')})`,
    'COUNT(*)',
    `COUNT(${of('STRING')})`,
    `MAX(${of(random.pick(['INT64', 'STRING', 'DATE', 'NUMERIC']))})`,
    `FIRST_VALUE(${of('STRING')})`,
    `LAST_VALUE(${of('INT64')})`,
    `COUNTIF(${of('BOOL')})`,
    `FIRST_VALUE(${of('INT64')} IGNORE NULLS)`,
    `MIN(${of('INT64')})`,
  ]);
  return random.chance(0.4) ? `${numbering} OVER (${partition}${order})` : `${framed} OVER (${partition}${order}${frame})`;
}

function windows(random: Random): string {
  const source = random.chance(0.25) ? joinOf(random) : table(random);
  const expressions = expressionsOf(random, source);
  const items = Array.from({ length: 1 + random.below(2) }, (_, index) => `${windowFunction(random, expressions, source.key)} AS w${index}`);
  const qualify = random.chance(0.3)
    ? ` QUALIFY ROW_NUMBER() OVER (PARTITION BY ${expressions.make(random.pick(['BOOL', 'INT64']), 1)} ORDER BY ${source.key}) <= 2`
    : '';
  const filter = where(random, expressions, 0.3) || (qualify === '' ? '' : ' WHERE TRUE');
  return `SELECT ${source.key}, ${items.join(', ')} FROM ${source.sql}${filter}${qualify}`;
}

function joinOf(random: Random): Source {
  const [left, right, on] = random.pick([
    ['games', 'teams', 'l.team_id = r.team_id'],
    ['games', 'vals', 'l.team_id = r.id'],
    ['vals', 'vals', 'l.id = r.j'],
    ['dates', 'games', 'l.d = r.game_date'],
    ['vals', 'dates', 'l.id = r.id AND l.b'],
    ['games', 'teams', 'l.team_id = r.team_id OR (l.team_id IS NULL AND r.team_id IS NULL)'],
  ] as const);
  const [a, b] = [table(random, left, 'l'), table(random, right, 'r')];
  const kinds = on.includes(' OR ') || on.includes(' AND ') ? ['JOIN', 'LEFT JOIN'] : ['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN'];
  return { sql: `${a.sql} ${random.pick(kinds)} ${b.sql} ON ${on}`, columns: [...a.columns, ...b.columns], key: `${a.key}, ${b.key}` };
}

function joined(random: Random): string {
  const source = joinOf(random);
  const expressions = expressionsOf(random, source);
  return `SELECT ${source.key}, ${list(random, expressions).sql} FROM ${source.sql}${where(random, expressions)}`;
}

function nested(random: Random): string {
  const source = table(random, undefined, 't');
  const expressions = expressionsOf(random, source);
  const inner = list(random, expressions, 2);
  const derived = new RandomExpressions(
    random,
    inner.types.map((type, index) => ({ sql: `q.c${index}`, type })),
  );
  const query = `SELECT ${inner.sql} FROM ${source.sql}${where(random, expressions, 0.3)}`;
  const outer = list(random, derived, 2).sql;
  const filter = where(random, derived, 0.3);
  const scalar = random.chance(0.3) ? `, (SELECT MAX(v.id) FROM d.vals AS v WHERE v.i = ${derived.leaf('INT64')}) AS m` : '';
  const exists = random.chance(0.3) ? `, ${derived.leaf('INT64')} IN (SELECT v.j FROM d.vals AS v WHERE v.j IS NOT NULL) AS e` : '';
  if (random.chance(0.5)) return `WITH q AS (${query}) SELECT ${outer}${scalar}${exists} FROM q${filter}`;
  return `SELECT ${outer}${scalar}${exists} FROM (${query}) AS q${filter}`;
}

function setOperation(random: Random): string {
  const types = Array.from({ length: 1 + random.below(2) }, () => random.pick(['INT64', 'STRING', 'DATE', 'BOOL', 'NUMERIC'] as const));
  const side = (): string => {
    const source = table(random);
    const expressions = expressionsOf(random, source);
    return `SELECT ${types.map((type, index) => `${expressions.make(type, 2)} AS c${index}`).join(', ')} FROM ${source.sql}${where(random, expressions, 0.3)}`;
  };
  return `${side()} ${random.pick(['UNION ALL', 'UNION DISTINCT', 'EXCEPT DISTINCT', 'INTERSECT DISTINCT'])} ${side()}`;
}

function unnested(random: Random): string {
  const columns = [
    { sql: 'l.id', type: 'INT64' },
    { sql: 'x', type: 'INT64' },
    { sql: 'o', type: 'INT64' },
  ];
  const expressions = new RandomExpressions(random, columns);
  const join = random.pick(['CROSS JOIN', 'LEFT JOIN']);
  return `SELECT l.id, o, ${list(random, expressions, 2).sql}, (SELECT SUM(y) FROM UNNEST(l.xs) AS y WHERE y > ${expressions.leaf('INT64')}) AS s FROM d.lists AS l ${join} UNNEST(l.xs) AS x WITH OFFSET AS o${where(random, expressions)}`;
}
