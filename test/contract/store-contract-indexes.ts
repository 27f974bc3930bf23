import type { StoreIndex } from '@floodgate/core/contracts/store-indexes.ts';

/** Apart from the contract, since processes that tests start need them without the test runner. */
export const contractIndexes: readonly StoreIndex[] = [
  { group: 'tasks', fields: ['state'] },
  { group: 'tasks', fields: ['phase', 'state'] },
  { group: 'tasks', fields: ['table', 'state', 'stagedAt'] },
  { group: 'outbox', fields: ['createdAt'] },
  { group: 'leases', fields: ['lease.holder'] },
];
