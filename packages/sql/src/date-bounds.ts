/**
 * Difference constraints between dates, solved into days relative to @start_date (from) and @end_date (to).
 *
 * A variable is one date column of one reading of a relation. Constraints are directed: `to >= from + days` bounds
 * `to` by `from` and says nothing the other way, because the ON of a LEFT JOIN bounds its right side alone.
 */
export interface DateVariable {
  readonly lower: Bound[];
  readonly upper: Bound[];
  /** Set operations: its bounds are the widest of these, beside its own. */
  readonly hullOf: DateVariable[];
  /** A predicate mentions it that is not understood: an open end is then unknown, not unbounded. */
  isUnclear: boolean;
}

interface Bound {
  readonly by: DateVariable;
  readonly days: number;
}

/** A date that lies `low` to `high` days after its base. */
export interface DateTerm {
  readonly base: DateVariable;
  readonly low: number;
  readonly high: number;
}

export interface SolvedDates {
  readonly from: number;
  readonly to: number;
}

export class DateBounds {
  readonly start = createVariable();
  readonly end = createVariable();
  readonly #all: DateVariable[] = [this.start, this.end];

  add(): DateVariable {
    const variable = createVariable();
    this.#all.push(variable);
    return variable;
  }

  /** `lesser + days <= greater`, each side bounded only where it is in `bounded`. */
  atMost(lesser: DateTerm, greater: DateTerm, days: number, bounded: (variable: DateVariable) => boolean): void {
    if (bounded(lesser.base)) lesser.base.upper.push({ by: greater.base, days: greater.high - lesser.low - days });
    if (bounded(greater.base)) greater.base.lower.push({ by: lesser.base, days: lesser.low - greater.high + days });
  }

  /** Days from @start_date and from @end_date; infinite where nothing bounds them. */
  solve(): (variable: DateVariable) => SolvedDates {
    const from = new Map<DateVariable, number>([
      [this.start, 0],
      [this.end, 0],
    ]);
    const to = new Map<DateVariable, number>([
      [this.start, 0],
      [this.end, 0],
    ]);
    const lowest = (variable: DateVariable): number => from.get(variable) ?? -Infinity;
    const highest = (variable: DateVariable): number => to.get(variable) ?? Infinity;
    // As many rounds as variables reach every bound; contradictory predicates would tighten for ever.
    for (let round = 0; round <= this.#all.length; round += 1) {
      for (const variable of this.#all) {
        const hullFrom = variable.hullOf.length === 0 ? -Infinity : Math.min(...variable.hullOf.map(lowest));
        const hullTo = variable.hullOf.length === 0 ? Infinity : Math.max(...variable.hullOf.map(highest));
        from.set(variable, Math.max(lowest(variable), hullFrom, ...variable.lower.map(({ by, days }) => lowest(by) + days)));
        to.set(variable, Math.min(highest(variable), hullTo, ...variable.upper.map(({ by, days }) => highest(by) + days)));
      }
    }
    return (variable) => ({ from: lowest(variable), to: highest(variable) });
  }
}

function createVariable(): DateVariable {
  return { lower: [], upper: [], hullOf: [], isUnclear: false };
}
