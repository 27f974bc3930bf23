// Which error a job of the simulated warehouse fails with, and the dates whose rows can't be computed.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { WarehouseError, type CommitBatch, type StageJob, type WarehouseErrorCode } from '@floodgate/core/ports/warehouse.ts';
import type { Random } from './random.ts';

export type Weights = Readonly<Partial<Record<WarehouseErrorCode, number>>>;

/** How often each code comes, beside the others of its kind. */
export type Failures = {
  readonly stage: Weights;
  readonly commit: Weights;
  /** Calls that are no jobs. */
  readonly call: Weights;
  /** Chance that a `data_error` stays with one of the job's dates until `mend`. */
  readonly sticks: number;
};

/** Those that end a task at once are rare, or hardly anything would ever be finished. */
export const defaultFailures: Failures = {
  stage: {
    invalid_sql: 1,
    location_mismatch: 2,
    schema_mismatch: 1,
    permission_denied: 1,
    cost_limit_exceeded: 1,
    contract_broken: 3,
    data_error: 8,
    out_of_memory: 4,
    timeout: 6,
    streaming_buffer: 2,
    unavailable: 12,
    transaction_conflict: 6,
    unknown: 6,
    disk_full: 3,
  },
  commit: {
    invalid_sql: 2,
    location_mismatch: 2,
    schema_mismatch: 2,
    permission_denied: 1,
    cost_limit_exceeded: 1,
    contract_broken: 4,
    data_error: 4,
    out_of_memory: 2,
    timeout: 8,
    unavailable: 12,
    transaction_conflict: 12,
    unknown: 6,
    disk_full: 3,
  },
  call: { unavailable: 1 },
  sticks: 0.4,
};

const pickCode = (random: Random, weights: Weights): WarehouseErrorCode => {
  const codes = Object.entries(weights) as [WarehouseErrorCode, number][];
  let left = random.next() * codes.reduce((sum, [, weight]) => sum + weight, 0);
  const picked = codes.find(([, weight]) => (left -= weight) < 0);
  if (picked === undefined) throw new RangeError('no error code has a weight');
  return picked[0];
};

const badRow = (table: string, date: PartitionDate): WarehouseError => new WarehouseError('data_error', `${table}: a row of ${date} can't be computed`);

export class JobFailures {
  readonly #failures: Failures;
  readonly #poisoned = new Map<string, Set<PartitionDate>>();

  constructor(failures: Failures) {
    this.#failures = failures;
  }

  poison(table: string, date: PartitionDate): void {
    this.#poisoned.set(table, (this.#poisoned.get(table) ?? new Set()).add(date));
  }

  mend(): void {
    this.#poisoned.clear();
  }

  /** The error of a job whose span holds a poisoned date. */
  poisonedOf({ target, dates }: StageJob): WarehouseError | undefined {
    const poisoned = this.#poisoned.get(target.table);
    const date = poisoned === undefined ? undefined : dates.find((own) => poisoned.has(own));
    return date === undefined ? undefined : badRow(target.table, date);
  }

  ofJob(random: Random, job: StageJob | CommitBatch): WarehouseError {
    const { table } = job.target;
    const isStage = 'dates' in job;
    const code = pickCode(random, isStage ? this.#failures.stage : this.#failures.commit);
    if (!isStage || code !== 'data_error') return new WarehouseError(code, `${job.jobId} failed: ${code}`);
    const date = random.pick(job.dates);
    if (random.chance(this.#failures.sticks)) this.poison(table, date);
    return badRow(table, date);
  }

  ofCall(random: Random, where: string): WarehouseError {
    const code = pickCode(random, this.#failures.call);
    return new WarehouseError(code, `${where} failed: ${code}`);
  }
}
