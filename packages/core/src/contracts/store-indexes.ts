// Every query of the status store that needs more than the document path, in one list: SQLite makes expression indexes of
// it, Firestore composite ones. A query whose fields are not a prefix of one of these is refused by the stores.

export type StoreIndex = {
  /** Last segment of the collection's path: indexes hold for all collections of that name. */
  readonly group: string;
  readonly fields: readonly string[];
};

export const storeIndexes: readonly StoreIndex[] = [
  { group: 'backfills', fields: ['state'] },
  { group: 'tasks', fields: ['state'] },
  { group: 'tasks', fields: ['phase', 'state'] },
  { group: 'tasks', fields: ['table', 'state', 'stagedAt'] },
  { group: 'deadLetters', fields: ['state', 'openedAt'] },
  { group: 'outbox', fields: ['createdAt'] },
  { group: 'audit', fields: ['at'] },
];
