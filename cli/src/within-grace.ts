import type { Session } from './session.ts';

/** What hangs on a full or broken disk must not keep the process: the store says what was done. */
export const withinGrace = async (session: Session, work: PromiseLike<void>): Promise<void> => {
  const finished = new AbortController();
  const late = session.clock.sleep(session.config.graceMs + 3_000, finished.signal).then(
    () => session.log.warn({}, 'not everything ended in time'),
    () => undefined,
  );
  await Promise.race([Promise.resolve(work).finally(() => finished.abort()), late]);
};
