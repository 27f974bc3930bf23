// How a healthy history becomes a wrong one: one event, or one document of one event, is altered.
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { Change } from './crash-points.ts';
import type { History, HistoryEvent, StoreEvent } from './monitor-history.ts';

/** The history with its first event that fits altered; undefined takes it out, several take its place. Throws where none fits. */
export const alter = <What extends HistoryEvent['what']>(
  history: History,
  what: What,
  change: (event: Extract<HistoryEvent, { what: What }>) => HistoryEvent | readonly HistoryEvent[] | 'left out' | undefined,
): History => {
  for (const [index, event] of history.entries()) {
    if (event.what !== what) continue;
    const altered = change(event as Extract<HistoryEvent, { what: What }>);
    if (altered === undefined) continue;
    return history.toSpliced(index, 1, ...(altered === 'left out' ? [] : [altered].flat()));
  }
  throw new Error(`no event of the history fits: ${change.toString()}`);
};

/** Alters one document of the first transaction that writes one that fits. */
export const alterDocument = (
  history: History,
  collection: string,
  fits: (change: { readonly before: JsonObject | undefined; readonly after: JsonObject }, event: StoreEvent) => boolean,
  after: (document: JsonObject) => JsonObject | undefined,
): History =>
  alter(history, 'store', (event) => {
    const index = event.changes.findIndex(
      (change) => change.path.split('/').at(-2) === collection && change.after !== undefined && fits({ before: change.before, after: change.after }, event),
    );
    const found = event.changes[index];
    if (found?.after === undefined) return undefined;
    const altered = after(found.after);
    return { ...event, changes: altered === undefined ? event.changes.toSpliced(index, 1) : event.changes.with(index, { ...found, after: altered }) };
  });

/** Puts events before (or behind) the first transaction that fits. */
export const insert = (
  history: History,
  where: 'before' | 'after',
  fits: (event: StoreEvent) => boolean,
  make: (event: StoreEvent) => readonly HistoryEvent[],
): History =>
  alter(history, 'store', (event) => {
    if (!fits(event)) return undefined;
    return where === 'before' ? [...make(event), event] : [event, ...make(event)];
  });

/** Whether a transaction takes a document of this collection from one state to another. */
export const moves =
  (collection: string, from: string | undefined, to: string, more: (after: JsonObject) => boolean = () => true) =>
  ({ changes }: StoreEvent): boolean =>
    changes.some(({ path, before, after }) => path.split('/').at(-2) === collection && before?.['state'] === from && after?.['state'] === to && more(after));

/** A transaction of somebody's own. */
export const transaction = (process: string, ...changes: readonly Change[]): StoreEvent => ({ what: 'store', process, changes });

export const changeOf = ({ changes }: StoreEvent, collection: string): Change => {
  const found = changes.find(({ path }) => path.split('/').at(-2) === collection);
  if (found === undefined) throw new Error(`the transaction writes no ${collection}`);
  return found;
};

/** What a document that was just written becomes next. */
export const rewritten = ({ path, after }: Change, fields: JsonObject | undefined): Change => ({
  path,
  before: after,
  after: fields === undefined ? undefined : { ...after, ...fields },
});
