// Nothing grows without bound: what closed backfills leave behind expires. The ledger and the commit logs stay; they are
// what is true of the tables. Blocked backfills are not closed: somebody may still retry them.
import {
  auditRecordSchema,
  backfillPath,
  backfillSchema,
  controlPath,
  deadLetterSchema,
  decisionSchema,
  gatePath,
  parseDocument,
  planPath,
  planSchema,
  progressPath,
  schedulerLeasePath,
  taskCollection,
  type BackfillDocument,
} from '../contracts/documents.ts';
import type { StoreDeps } from './deps.ts';

const deletesPerTransaction = 400;

export type ExpireReport = { readonly backfills: number; readonly documents: number };

/**
 * Deletes backfills that ended more than `keepMs` ago, with their tasks, plans that no other backfill uses, closed dead
 * letters, decided requests and audit records of that age.
 *
 * A backfill goes in steps. The first, on the state of that moment, takes its control document: from then on nobody can
 * reopen it. Its own document goes last, so that a crash in between leaves the rest to the next run.
 */
export const expireClosed = async (deps: StoreDeps, keepMs: number): Promise<ExpireReport> => {
  const before = deps.clock.now() - keepMs;
  const isExpired = ({ state, endedAt }: BackfillDocument): boolean => (state === 'completed' || state === 'cancelled') && endedAt !== null && endedAt < before;
  const all = (await deps.store.query({ collection: 'backfills' })).map((document) => parseDocument(backfillSchema, document));
  const expired: BackfillDocument[] = [];
  for (const backfill of all) if (isExpired(backfill) && (await closeForGood(deps, backfill, isExpired))) expired.push(backfill);
  const usedPlans = new Set(all.filter((backfill) => !expired.includes(backfill)).map(({ planHash }) => planHash));
  let documents = 0;
  for (const backfill of expired) {
    const { backfillId, planHash, phases, tasks } = backfill;
    const taskDocuments = await deps.store.query({ collection: taskCollection(backfillId) });
    const parts = [
      ...taskDocuments.map(({ path }) => path),
      ...Object.keys(tasks).map((id) => progressPath(backfillId, id)),
      ...phases.map((phase) => gatePath(backfillId, phase)),
    ];
    if (!usedPlans.has(planHash)) documents += await expirePlan(deps, planHash, before);
    documents += await deleteAll(deps, [...parts, schedulerLeasePath(backfillId), backfillPath(backfillId)]);
  }
  documents += await deleteAll(deps, await agedPaths(deps, before));
  if (documents > 0) deps.logger.info({ backfills: expired.length, documents }, 'closed backfills expired');
  return { backfills: expired.length, documents };
};

/** False where it was reopened meanwhile. */
const closeForGood = (deps: StoreDeps, { backfillId }: BackfillDocument, isExpired: (backfill: BackfillDocument) => boolean): Promise<boolean> =>
  deps.store.transaction(async (transaction) => {
    const document = await transaction.get(backfillPath(backfillId));
    if (document === undefined || !isExpired(parseDocument(backfillSchema, document))) return false;
    transaction.delete(controlPath(backfillId));
    return true;
  });

/** A plan that was stored again since `before` stays: a backfill may just be activated with it. The next run sees that backfill. */
const expirePlan = (deps: StoreDeps, planHash: string, before: number): Promise<number> =>
  deps.store.transaction(async (transaction) => {
    const document = await transaction.get(planPath(planHash));
    if (document === undefined) return 0;
    const { chunks, createdAt } = parseDocument(planSchema, document);
    if (createdAt >= before) return 0;
    for (const path of [...chunks, planPath(planHash)]) transaction.delete(path);
    return chunks.length + 1;
  });

const agedPaths = async (deps: StoreDeps, before: number): Promise<readonly string[]> => {
  const letters = await deps.store.query({ group: 'deadLetters', where: [{ field: 'state', op: '==', value: 'closed' }] });
  const audits = await deps.store.query({ group: 'audit', where: [{ field: 'at', op: '<', value: before }] });
  const requests = await deps.store.query({ collection: 'requests' });
  return [
    ...letters.filter((document) => (parseDocument(deadLetterSchema, document).closedAt ?? before) < before).map(({ path }) => path),
    ...audits.filter((document) => parseDocument(auditRecordSchema, document).at < before).map(({ path }) => path),
    ...requests.filter((document) => parseDocument(decisionSchema, document).decidedAt < before).map(({ path }) => path),
  ];
};

const deleteAll = async (deps: StoreDeps, paths: readonly string[]): Promise<number> => {
  for (let at = 0; at < paths.length; at += deletesPerTransaction) {
    await deps.store.transaction(async (transaction) => {
      for (const path of paths.slice(at, at + deletesPerTransaction)) transaction.delete(path);
    });
  }
  return paths.length;
};
