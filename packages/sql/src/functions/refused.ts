/** Functions that are refused with a reason of their own; every other unknown one is refused by name alone. */
export const NONDETERMINISTIC = new Set(['CURRENT_DATE', 'CURRENT_DATETIME', 'CURRENT_TIME', 'CURRENT_TIMESTAMP', 'GENERATE_UUID', 'RAND', 'SESSION_USER']);

const HINTS: Readonly<Record<string, string>> = {
  APPROX_COUNT_DISTINCT: 'APPROX_COUNT_DISTINCT differs between engines and runs: write COUNT(DISTINCT x)',
  APPROX_QUANTILES: 'APPROX_QUANTILES differs between engines and runs: write PERCENTILE_CONT or PERCENTILE_DISC',
  APPROX_TOP_COUNT: 'APPROX_TOP_COUNT differs between engines and runs: count, order and limit instead',
  APPROX_TOP_SUM: 'APPROX_TOP_SUM differs between engines and runs: sum, order and limit instead',
  FARM_FINGERPRINT: 'FARM_FINGERPRINT has no equal in DuckDB: write TO_HEX(MD5(x))',
  MOD: '% is no operator of GoogleSQL: write MOD(a, b)',
  IEEE_DIVIDE: 'IEEE_DIVIDE makes NaN and infinity, which the engines treat differently: write SAFE_DIVIDE',
};

export function refusalOf(name: string): string {
  if (NONDETERMINISTIC.has(name))
    return `${name} is nondeterministic: a partition computed twice must give the same rows; use the parameters @start_date and @end_date`;
  const hint = HINTS[name];
  if (hint !== undefined) return hint;
  if (name.startsWith('APPROX_')) return `${name} differs between engines and runs: use an exact aggregate`;
  if (name.startsWith('SAFE.')) return `${name} is not supported: check the arguments with IF, or use SAFE_CAST, SAFE_DIVIDE, SAFE.PARSE_DATE`;
  return `${name} is not on the list of translated functions and constructs`;
}
