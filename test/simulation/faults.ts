// Everything that can go wrong in a simulated run, by name. Each can be switched off; each counts how often it struck.

export const faultKinds = {
  // processes
  crash: 'a process dies at a named point, before or after its effect',
  crash_anywhere: 'a process dies at any call, reads included',
  stall: 'a process stands still longer than its leases live, and goes on as a zombie',
  deploy: 'a process is asked to stop, gets a grace period and is started again',
  clock_jump: 'the clock of one machine jumps',
  killer_date: 'a date kills every worker that computes it, for a while',
  other_build: 'a worker is of another build, which can’t run the code of a processor',
  // bus
  publish_failed: 'a publication fails without effect',
  publish_answer_lost: 'a publication happens and its answer is lost',
  message_duplicated: 'a message is delivered twice',
  message_delayed: 'a message comes minutes late',
  message_reordered: 'a message overtakes those before it',
  redelivered_in_work: 'a message is delivered again while somebody works on it',
  ack_lost: 'an ack never arrives',
  dead_lettered: 'the bus dead-letters a healthy message, perhaps more than once',
  // store
  store_conflict: 'a transaction gives up on contention',
  store_rerun: 'the body of a transaction runs once more',
  store_unavailable: 'a call to the store fails without effect',
  store_answer_lost: 'a transaction is applied and answers with an error',
  // warehouse
  job_slow: 'a job takes minutes',
  job_late: 'a job starts long after its request was sent, even when its caller is gone',
  job_failed: 'a job fails with one of the warehouse’s errors',
  job_answer_lost: 'a job succeeds and is reported as failed',
  job_rate_limited: 'a job is refused by a rate limit',
  code_failed: 'the code of a processor throws',
  staging_lost: 'staged rows are gone before they are committed',
  // the world
  source_changed: 'rows of a source change in mid-run',
  rows_broken: 'a source holds rows that an audit refuses, until they are mended',
  source_missing: 'a source can’t be read for a while',
  malformed_message: 'somebody publishes what is no request',
  // operators
  paused: 'an operator pauses a backfill and resumes it later',
  cancelled: 'an operator cancels a backfill',
  retried: 'an operator retries failed and quarantined tasks',
  replayed: 'an operator replays dead letters',
  decided: 'an operator accepts or rejects quarantined rows',
  approved: 'an operator approves a held gate',
  ambushed: 'one of these happens while a process is about to write just what it touches',
  overlapping: 'a second backfill over some of the same dates',
  rebuilt: 'an operator rebuilds the ledger from the commit logs',
} as const;

export type FaultKind = keyof typeof faultKinds;

export const allFaultKinds = Object.keys(faultKinds) as readonly FaultKind[];
