// Which seeds do what in pool-fixture.ts: apart from it, since that one runs only in a worker thread.

/** Seeds of special runs; all others hold. */
export const specialSeeds = { fails: 13, failsToo: 26, throws: 31, rejectsLate: 32, spins: 33, exits: 34, differs: 35 } as const;
