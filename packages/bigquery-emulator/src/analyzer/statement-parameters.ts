// Parameters of a statement against those that were given, in the words of Google's analyzer.
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { ParameterTypes } from '../statement.ts';
import { positionOf } from './positions.ts';
import { toProtoType } from './proto-type.ts';
import type { Token } from './tokens.ts';

const isPositional = (name: string): boolean => /^_p\d+$/u.test(name);
/** BigQuery has these, the server does not. https://docs.cloud.google.com/bigquery/docs/reference/system-variables */
const unknownVariables =
  /^@@(?:dataset_id|dataset_project_id|error\.\w+|last_job_id|location|project_id|query_label|reservation|script\.\w+|session_id|time_zone|current_job_id)$/iu;

export function checkParameters(tokens: readonly Token[], positional: number, types: ParameterTypes, sql: string): void {
  const given = [...types.keys()].filter((name) => !name.startsWith('@@'));
  const refuse = (message: string, token: Token): BigQueryProblem => {
    const { line, column } = positionOf(sql, token.start());
    return new BigQueryProblem('invalidQuery', `${message} at [${line}:${column}]`, 'query');
  };
  const count = given.filter(isPositional).length;
  let position = 0;
  for (const token of tokens) {
    if (token.kind === 'system variable' && unknownVariables.test(token.text)) throw notImplemented(`the system variable ${token.text}`);
    if (token.kind !== 'parameter') continue;
    if (token.text !== '?') {
      // Also where the client writes our name of a positional one.
      if (positional > 0 || count > 0) throw refuse('Named parameters are not supported', token);
    } else {
      position += 1;
      if (given.length > count) throw refuse('Positional parameters are not supported', token);
      if (position > count) throw refuse(`Query parameter number ${position} is not defined (${count} provided)`, token);
    }
  }
}

export const toProtoParameters = (types: ParameterTypes): readonly object[] =>
  [...types].filter(([name]) => !name.startsWith('@@')).map(([name, type]) => ({ name, type: toProtoType(type) }));
