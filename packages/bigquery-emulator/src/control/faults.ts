// Faults on demand: what the cloud does now and then, made to happen when a test wants it. A rule matches jobs, statements of
// scripts or calls; it strikes always, at the n-th match, at a share of the matches (drawn from its own seed, so that a run
// can be repeated), or so many times.
import {
  checkFields,
  invalid,
  readObject,
  readOneOf,
  readOptionalBoolean,
  readOptionalCount,
  readOptionalObject,
  readOptionalText,
  type JsonObject,
} from '../http/read-json.ts';
import { BigQueryProblem, type Reason } from '../problem.ts';

const jobTypes = ['QUERY', 'LOAD', 'COPY', 'STATEMENT'] as const;
const reasons = [
  'invalid',
  'invalidQuery',
  'resourcesExceeded',
  'resourceInUse',
  'tableUnavailable',
  'stopped',
  'notFound',
  'duplicate',
  'conditionNotMet',
  'rateLimitExceeded',
  'quotaExceeded',
  'accessDenied',
  'responseTooLarge',
  'backendError',
  'internalError',
  'jobInternalError',
] as const satisfies readonly Reason[];

/** What happens to a job. Durations add up over the rules that strike; of the rest the first one holds. */
export type JobEffects = {
  readonly queueMs: number;
  /** Before it works. */
  readonly runMs: number;
  /** After its work is committed, before it is DONE. */
  readonly settleMs: number;
  /** Before it works: nothing is written. */
  readonly error?: BigQueryProblem;
  /** RUNNING until it is cancelled or times out. */
  readonly hang: boolean;
  /** It does its work, and the call that submitted it gets no answer. */
  readonly loseAnswer?: 'reset' | '503';
};
export type CallEffects = { readonly latencyMs: number; readonly error?: BigQueryProblem; readonly reset: boolean };

export type JobFacts = {
  readonly type: (typeof jobTypes)[number];
  readonly jobId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly sql: string;
};
export type CallFacts = { readonly method: string; readonly path: string };

type When = { readonly nth?: number; readonly times?: number; readonly share?: number; readonly seed: number };
type Rule<Facts, Effect> = {
  readonly id: string;
  readonly source: JsonObject;
  readonly matches: (facts: Facts) => boolean;
  readonly strikes: () => boolean;
  readonly counts: { matched: number; struck: number };
  readonly effect: Effect;
};

export type Faults = {
  readonly forJob: (facts: JobFacts) => JobEffects;
  readonly forCall: (facts: CallFacts) => CallEffects;
  /** Throws `invalid` for a rule that can't be read. Answers its id. */
  readonly addJobRule: (rule: unknown) => string;
  readonly addCallRule: (rule: unknown) => string;
  readonly list: () => readonly JsonObject[];
  readonly remove: (id: string) => boolean;
  readonly clear: () => void;
};

/** mulberry32: small, and the same everywhere. */
const createRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const readWhen = (value: unknown): When => {
  const when = readOptionalObject(value, 'when') ?? {};
  checkFields('when', when, { nth: 'known', times: 'known', share: 'known', seed: 'known' });
  const { share } = when;
  if (share !== undefined && (typeof share !== 'number' || share < 0 || share > 1))
    throw invalid('Invalid value for when.share: a number from 0 to 1 is expected');
  const nth = readOptionalCount(when['nth'], 'when.nth');
  const times = readOptionalCount(when['times'], 'when.times');
  return {
    seed: readOptionalCount(when['seed'], 'when.seed') ?? 1,
    ...(nth === undefined ? {} : { nth }),
    ...(times === undefined ? {} : { times }),
    ...(typeof share === 'number' ? { share } : {}),
  };
};

const createStrikes = ({ nth, times, share, seed }: When, counts: { matched: number; struck: number }): (() => boolean) => {
  const random = createRandom(seed);
  return () => {
    counts.matched += 1;
    const strikes =
      (nth === undefined || counts.matched === nth) && (share === undefined || random() < share) && (times === undefined || counts.struck < times);
    if (strikes) counts.struck += 1;
    return strikes;
  };
};

const readError = (value: unknown): BigQueryProblem | undefined => {
  const error = readOptionalObject(value, 'effect.error');
  if (error === undefined) return undefined;
  checkFields('effect.error', error, { reason: 'known', message: 'known', location: 'known' });
  const reason = readOneOf(error['reason'], 'effect.error.reason', reasons);
  if (reason === undefined) throw invalid('effect.error needs a reason');
  return new BigQueryProblem(
    reason,
    readOptionalText(error['message'], 'effect.error.message') ?? `Ordered from the emulator: ${reason}`,
    readOptionalText(error['location'], 'effect.error.location'),
  );
};

const readJobMatch = (value: unknown): ((facts: JobFacts) => boolean) => {
  const match = readOptionalObject(value, 'match') ?? {};
  checkFields('match', match, { type: 'known', labels: 'known', sqlContains: 'known', jobIdContains: 'known' });
  const type = readOneOf(match['type'], 'match.type', jobTypes);
  const labels = Object.entries(readOptionalObject(match['labels'], 'match.labels') ?? {});
  const sql = readOptionalText(match['sqlContains'], 'match.sqlContains') ?? '';
  const jobId = readOptionalText(match['jobIdContains'], 'match.jobIdContains') ?? '';
  return (facts) =>
    // A statement of a script is no job to whoever asks for jobs.
    (type === undefined ? facts.type !== 'STATEMENT' : facts.type === type) &&
    labels.every(([key, label]) => facts.labels[key] === label) &&
    facts.sql.includes(sql) &&
    facts.jobId.includes(jobId);
};

const readJobEffect = (value: unknown): JobEffects => {
  const effect = readObject(value, 'effect');
  checkFields('effect', effect, { queueMs: 'known', runMs: 'known', settleMs: 'known', error: 'known', hang: 'known', loseAnswer: 'known' });
  const error = readError(effect['error']);
  const loseAnswer = readOneOf(effect['loseAnswer'], 'effect.loseAnswer', ['reset', '503']);
  return {
    queueMs: readOptionalCount(effect['queueMs'], 'effect.queueMs') ?? 0,
    runMs: readOptionalCount(effect['runMs'], 'effect.runMs') ?? 0,
    settleMs: readOptionalCount(effect['settleMs'], 'effect.settleMs') ?? 0,
    hang: readOptionalBoolean(effect['hang'], 'effect.hang') ?? false,
    ...(error === undefined ? {} : { error }),
    ...(loseAnswer === undefined ? {} : { loseAnswer }),
  };
};

export const createFaults = (): Faults => {
  const jobRules: Rule<JobFacts, JobEffects>[] = [];
  const callRules: Rule<CallFacts, CallEffects>[] = [];
  let nextId = 0;
  const create = <Facts, Effect>(value: unknown, read: (rule: JsonObject) => { matches: (facts: Facts) => boolean; effect: Effect }): Rule<Facts, Effect> => {
    const source = readObject(value, 'rule');
    checkFields('', source, { match: 'known', when: 'known', effect: 'known' });
    const counts = { matched: 0, struck: 0 };
    const rule = { source, counts, strikes: createStrikes(readWhen(source['when']), counts), ...read(source) };
    nextId += 1;
    return { id: String(nextId), ...rule };
  };
  const struck = <Facts, Effect>(rules: readonly Rule<Facts, Effect>[], facts: Facts): readonly Effect[] =>
    rules.filter((rule) => rule.matches(facts) && rule.strikes()).map(({ effect }) => effect);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

  return {
    forJob: (facts) => {
      const effects = struck(jobRules, facts);
      const error = effects.find((effect) => effect.error !== undefined)?.error;
      const loseAnswer = effects.find((effect) => effect.loseAnswer !== undefined)?.loseAnswer;
      return {
        queueMs: sum(effects.map(({ queueMs }) => queueMs)),
        runMs: sum(effects.map(({ runMs }) => runMs)),
        settleMs: sum(effects.map(({ settleMs }) => settleMs)),
        hang: effects.some(({ hang }) => hang),
        ...(error === undefined ? {} : { error }),
        ...(loseAnswer === undefined ? {} : { loseAnswer }),
      };
    },
    forCall: (facts) => {
      const effects = struck(callRules, facts);
      const error = effects.find((effect) => effect.error !== undefined)?.error;
      return {
        latencyMs: sum(effects.map(({ latencyMs }) => latencyMs)),
        reset: effects.some(({ reset }) => reset),
        ...(error === undefined ? {} : { error }),
      };
    },
    addJobRule: (value) => {
      const rule = create<JobFacts, JobEffects>(value, ({ match, effect }) => ({ matches: readJobMatch(match), effect: readJobEffect(effect) }));
      jobRules.push(rule);
      return rule.id;
    },
    addCallRule: (value) => {
      const rule = create<CallFacts, CallEffects>(value, (source) => {
        const match = readOptionalObject(source['match'], 'match') ?? {};
        checkFields('match', match, { method: 'known', pathContains: 'known' });
        const method = readOptionalText(match['method'], 'match.method');
        const path = readOptionalText(match['pathContains'], 'match.pathContains') ?? '';
        const effect = readObject(source['effect'], 'effect');
        checkFields('effect', effect, { latencyMs: 'known', error: 'known', reset: 'known' });
        const error = readError(effect['error']);
        return {
          matches: (facts) => (method === undefined || facts.method === method.toUpperCase()) && facts.path.includes(path),
          effect: {
            latencyMs: readOptionalCount(effect['latencyMs'], 'effect.latencyMs') ?? 0,
            reset: readOptionalBoolean(effect['reset'], 'effect.reset') ?? false,
            ...(error === undefined ? {} : { error }),
          },
        };
      });
      callRules.push(rule);
      return rule.id;
    },
    list: () => [
      ...jobRules.map(({ id, source, counts }) => ({ id, on: 'jobs', ...source, ...counts })),
      ...callRules.map(({ id, source, counts }) => ({ id, on: 'calls', ...source, ...counts })),
    ],
    remove: (id) => {
      for (const rules of [jobRules, callRules]) {
        const index = rules.findIndex((rule) => rule.id === id);
        if (index >= 0) return rules.splice(index, 1).length > 0;
      }
      return false;
    },
    clear: () => {
      jobRules.length = 0;
      callRules.length = 0;
    },
  };
};
