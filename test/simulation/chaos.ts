// Who decides what goes wrong. All of it is drawn from the seed; every strike has a number, and can be suppressed by it, so
// that a failing run can be made again with fewer faults until only those are left that matter.
import type { CrashPoint } from './crash-points.ts';
import { allFaultKinds, type FaultKind } from './faults.ts';
import type { Random } from './random.ts';

export type Strike = {
  /** Counts the strikes of its kind, from 1. */
  readonly number: number;
  readonly kind: FaultKind;
  /** Simulated time. */
  readonly at: number;
  readonly where: string;
};

export type CrashTarget = { readonly point: CrashPoint; readonly when: 'before' | 'after'; readonly nth: number };

export type ChaosOptions = {
  readonly random: Random;
  readonly now: () => number;
  /** Chance of each kind at each opportunity; kinds that are not named never strike. */
  readonly rates: Readonly<Partial<Record<FaultKind, number>>>;
  /** Most strikes of one kind in a run. */
  readonly most: number;
  readonly crashes: readonly CrashTarget[];
  /** Where processes stand still. */
  readonly stalls?: readonly CrashTarget[];
  readonly disabled?: ReadonlySet<FaultKind>;
  /** Nothing strikes before `begin`. */
  readonly calm?: boolean;
  /** Strikes that are left out, as `kind#number`. */
  readonly suppressed?: ReadonlySet<string>;
  readonly onStrike?: (strike: Strike) => void;
};

export class Chaos {
  readonly struck: Strike[] = [];
  readonly #options: ChaosOptions;
  readonly #streams: ReadonlyMap<FaultKind, Random>;
  readonly #numbers = new Map<FaultKind, number>();
  readonly #passed = new Map<string, number>();
  /** The same while things go wrong: what a target counts. */
  readonly #reached = new Map<string, number>();
  readonly #crashed = new Map<string, number>();
  #calm: boolean;

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#calm = options.calm ?? false;
    this.#streams = new Map(allFaultKinds.map((kind) => [kind, options.random.fork(kind)]));
  }

  /** For what a fault needs beyond whether it strikes: how long, which. */
  stream(kind: FaultKind): Random {
    return this.#streams.get(kind) as Random;
  }

  get isCalm(): boolean {
    return this.#calm;
  }

  /** From now on things go wrong. */
  begin(): void {
    this.#calm = false;
  }

  /** From now on nothing strikes any more. */
  calm(): void {
    this.#calm = true;
  }

  /** Whether this fault strikes here and now. `where` is for people. */
  strikes(kind: FaultKind, where: string): boolean {
    const rate = this.#options.rates[kind] ?? 0;
    if (rate === 0 || this.#calm || this.#options.disabled?.has(kind) === true || (this.#numbers.get(kind) ?? 0) >= this.#options.most) return false;
    return this.stream(kind).chance(rate) && this.#strike(kind, where);
  }

  /** Whether the process that is here dies. */
  crashes(point: CrashPoint, when: 'before' | 'after', where: string): boolean {
    const key = `${when} ${point}`;
    this.#passed.set(key, (this.#passed.get(key) ?? 0) + 1);
    if (this.#calm || this.#options.disabled?.has('crash') === true) return false;
    const reached = (this.#reached.get(key) ?? 0) + 1;
    this.#reached.set(key, reached);
    if (!this.#options.crashes.some((target) => target.point === point && target.when === when && target.nth === reached)) return false;
    if (!this.#strike('crash', `${where} ${key}`)) return false;
    this.#crashed.set(key, (this.#crashed.get(key) ?? 0) + 1);
    return true;
  }

  /** Whether the process that is here stands still. Asked after `crashes`, which counts the arrivals. */
  stalls(point: CrashPoint, when: 'before' | 'after', where: string): boolean {
    if (this.#calm || this.#options.disabled?.has('stall') === true) return false;
    const key = `${when} ${point}`;
    const reached = this.#reached.get(key);
    return (
      this.#options.stalls?.some((target) => target.point === point && target.when === when && target.nth === reached) === true &&
      this.#strike('stall', `${where} ${key}`)
    );
  }

  /** How often each named point was passed, as `before claim`, and how often a process died there. */
  get passed(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#passed);
  }

  get crashed(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#crashed);
  }

  /** Notes something that the run does by itself and that counts as a fault: an operator's act, a change of a source. */
  note(kind: FaultKind, where: string): boolean {
    return !this.#calm && this.#options.disabled?.has(kind) !== true && this.#strike(kind, where);
  }

  #strike(kind: FaultKind, where: string): boolean {
    const number = (this.#numbers.get(kind) ?? 0) + 1;
    this.#numbers.set(kind, number);
    if (this.#options.suppressed?.has(`${kind}#${number}`) === true) return false;
    const strike = { number, kind, at: this.#options.now(), where };
    this.struck.push(strike);
    this.#options.onStrike?.(strike);
    return true;
  }
}
