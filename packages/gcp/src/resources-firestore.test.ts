// Against answers in the form of the Admin API's reference, since no emulator serves it.
import type { v1 } from '@google-cloud/firestore-api';
import { expect, it } from 'vitest';
import { firestoreIndexes } from './firestore-indexes.ts';
import { ensureIndexes, inspectDatabase, inspectIndexes, type IndexAdmin } from './resources-firestore.ts';

const database = 'projects/my-project/databases/(default)';
const { signal } = new AbortController();

type Asked = { readonly parent?: string; readonly index?: { readonly fields: readonly object[] }; readonly field?: { readonly name: string } };

/** Holds what it was told to make, as Firestore gives it back: with the name behind the fields, and READY unless said otherwise. */
const createAdmin = (state = 'READY') => {
  const indexes = new Map<string, object[]>();
  const fields = new Map<string, object>();
  const asked: Asked[] = [];
  const admin: IndexAdmin = {
    listIndexes: async ({ parent }) => [indexes.get(parent) ?? []],
    listFields: async () => [[...fields.values()]],
    createIndex: async (request) => {
      asked.push(request as Asked);
      const index = request.index as { readonly fields: readonly object[] };
      const given = { ...index, state, fields: [...index.fields, { fieldPath: '__name__', order: 'ASCENDING' }] };
      indexes.set(request.parent, [...(indexes.get(request.parent) ?? []), given]);
    },
    updateField: async (request) => {
      asked.push(request as Asked);
      const field = request.field as { readonly name: string };
      fields.set(field.name, field);
    },
  };
  return { admin, asked };
};

it('takes the client of the service as it is', () => {
  const check = (client: InstanceType<typeof v1.FirestoreAdminClient>): IndexAdmin => client;
  expect(check).toBeTypeOf('function');
});

it('tells every index and exemption that is missing, with the command that makes it', async () => {
  const { admin } = createAdmin();
  const differences = await inspectIndexes(admin, database, firestoreIndexes, signal);
  expect(differences).toHaveLength(firestoreIndexes.indexes.length + firestoreIndexes.fieldOverrides.length);
  expect(differences).toContainEqual({
    resource: 'Firestore indexes',
    problem: 'tasks (f.phase, f.state) of the collection is missing: queries that need it fail',
    hint: `gcloud firestore indexes composite create --database="(default)" --collection-group=tasks --query-scope=collection --field-config='field-path=f.phase,order=ascending' --field-config='field-path=f.state,order=ascending'`,
  });
  expect(differences.map(({ hint }) => hint)).toContain(
    `gcloud firestore indexes fields update 'p' --database="(default)" --collection-group=tasks --index=order=ascending,query-scope=collection-group`,
  );
});

it('makes them once, and finds nothing wrong with what it has made', async () => {
  const { admin, asked } = createAdmin();
  const made = await ensureIndexes(admin, database, firestoreIndexes, signal);
  expect(made.every(({ outcome }) => outcome === 'created')).toBe(true);
  expect(asked).toHaveLength(firestoreIndexes.indexes.length + firestoreIndexes.fieldOverrides.length);
  expect(await inspectIndexes(admin, database, firestoreIndexes, signal)).toEqual([]);
  expect(await ensureIndexes(admin, database, firestoreIndexes, signal)).toEqual([]);
});

it('tells what is still being built', async () => {
  const { admin } = createAdmin('CREATING');
  await ensureIndexes(admin, database, firestoreIndexes, signal);
  const differences = await inspectIndexes(admin, database, firestoreIndexes, signal);
  expect(differences).toHaveLength(firestoreIndexes.indexes.length);
  expect(differences.every(({ problem }) => problem.endsWith(' is CREATING: queries that need it fail until it is READY'))).toBe(true);
});

it.each([
  ['the document is not there, so the database is', 5, `Document "${database}/documents/floodgateDoctor/nothing" not found.`, []],
  ['the database is missing', 5, 'The database (default) does not exist for project my-project', [{ problem: 'is not there' }]],
  ['it may not be read', 7, 'Missing or insufficient permissions.', [{ hint: 'grant roles/datastore.user to whom the services run as' }]],
  [
    'it is in Datastore mode',
    9,
    'The Cloud Firestore API is not available for Firestore in Datastore Mode database',
    [{ problem: /could not be looked at: .*Datastore Mode/ }],
  ],
])('a read tells that %s', async (_, code, message, expected) => {
  const client = {
    getDocument: async () => {
      throw Object.assign(new Error(`${code} ${message}`), { code });
    },
  };
  const found = await inspectDatabase({ client, database, headers: {} }, { name: '(default)', location: 'EU' }, signal);
  expect(found).toHaveLength(expected.length);
  for (const [index, part] of expected.entries()) {
    for (const [key, value] of Object.entries(part)) expect(found[index]?.[key as 'problem']).toMatch(value);
  }
});
