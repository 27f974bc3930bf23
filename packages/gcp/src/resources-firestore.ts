// The database and its indexes. Google's emulator answers every query without an index, and doesn't serve this API: what is here is
// held against the documentation, and tested against answers in its form.
import type { CompositeIndex, FieldOverride, FirestoreIndexes } from './firestore-indexes.ts';
import { bounded, ensure, inspect, messageOf, outcomeOfError, type Difference, type EnsuredResource } from './resource-report.ts';

/** What connectFirestore gives, as far as it is used. */
export type DocumentReader = {
  readonly client: { getDocument(request: { readonly name: string }, options: object): Promise<unknown> };
  readonly database: string;
  readonly headers: Readonly<Record<string, string>>;
};

type Nullable<T> = { readonly [Key in keyof T]?: T[Key] | null };
type FoundIndex = Nullable<{ queryScope: unknown; state: unknown; fields: readonly Nullable<{ fieldPath: string; order: unknown }>[] }>;
type FoundField = Nullable<{ name: string; indexConfig: Nullable<{ indexes: readonly FoundIndex[] }> }>;

/** Of `v1.FirestoreAdminClient`; who works with an emulator has none. */
export type IndexAdmin = {
  listIndexes(request: { readonly parent: string }): Promise<readonly [readonly FoundIndex[], ...unknown[]]>;
  listFields(request: { readonly parent: string; readonly filter: string }): Promise<readonly [readonly FoundField[], ...unknown[]]>;
  createIndex(request: { readonly parent: string; readonly index: object }): Promise<unknown>;
  updateField(request: { readonly field: object }): Promise<unknown>;
};

type Finding = Omit<Difference, 'resource'>;

/** One read of a document that nobody writes: a database that is missing, or in Datastore mode, refuses it in other words. */
export const inspectDatabase = (
  firestore: DocumentReader,
  { name, location }: { readonly name: string; readonly location: string },
  signal: AbortSignal,
): Promise<readonly Difference[]> =>
  inspect(
    `Firestore database ${name}`,
    {
      missing: `gcloud firestore databases create --database="${name}" --location=<near ${location}> --type=firestore-native`,
      denied: 'grant roles/datastore.user to whom the services run as',
    },
    async () => {
      const path = `${firestore.database}/documents/floodgateDoctor/nothing`;
      try {
        await bounded(firestore.client.getDocument({ name: path }, { otherArgs: { headers: firestore.headers } }), signal);
      } catch (error) {
        // Both are NOT_FOUND: this one names the document, the other the database.
        if (outcomeOfError(error) !== 'missing' || !messageOf(error).includes('floodgateDoctor/nothing')) throw error;
      }
      return [];
    },
    signal,
  );

const groupPath = (database: string, group: string): string => `${database}/collectionGroups/${group}`;
const describeIndex = ({ collectionGroup, queryScope, fields }: CompositeIndex): string =>
  `${collectionGroup} (${fields.map(({ fieldPath }) => fieldPath).join(', ')}) of the ${queryScope === 'COLLECTION' ? 'collection' : 'collection group'}`;

/** Scope and fields in order; Firestore ends the fields of every index with the name. */
const keyOf = ({ queryScope, fields }: FoundIndex | CompositeIndex): string =>
  JSON.stringify([queryScope, (fields ?? []).filter(({ fieldPath }) => fieldPath !== '__name__').map(({ fieldPath, order }) => [fieldPath, order])]);

/**
 * Begins to make the composite indexes and exemptions that are missing. Building takes minutes where there are documents;
 * `inspectIndexes` says what is still being built.
 */
export const ensureIndexes = async (
  admin: IndexAdmin,
  database: string,
  declared: FirestoreIndexes,
  signal: AbortSignal,
): Promise<readonly EnsuredResource[]> => {
  const { missing, unset } = await compare(admin, database, declared, signal);
  const outcomes: EnsuredResource[] = [];
  // One after the other: each begins work of minutes, and a project may begin only so much of it at once.
  for (const index of missing) {
    const { collectionGroup, ...settings } = index;
    outcomes.push(
      await ensure(`index ${describeIndex(index)}`, () => admin.createIndex({ parent: groupPath(database, collectionGroup), index: settings }), signal),
    );
  }
  for (const override of unset) {
    const { collectionGroup, fieldPath, indexes } = override;
    const field = {
      name: `${groupPath(database, collectionGroup)}/fields/${fieldPath}`,
      indexConfig: { indexes: indexes.map(({ order, queryScope }) => ({ queryScope, fields: [{ fieldPath, order }] })) },
    };
    outcomes.push(await ensure(`indexes of the field ${collectionGroup}.${fieldPath}`, () => admin.updateField({ field }), signal));
  }
  return outcomes;
};

export const inspectIndexes = async (admin: IndexAdmin, database: string, declared: FirestoreIndexes, signal: AbortSignal): Promise<readonly Difference[]> => {
  const name = database.split('/').at(-1) ?? '';
  const advice = { missing: 'create the database first', denied: 'grant roles/datastore.viewer; roles/datastore.indexAdmin to create indexes' };
  return inspect(
    'Firestore indexes',
    advice,
    async () => {
      const { missing, unset, building } = await compare(admin, database, declared, signal);
      return [
        ...missing.map((index): Finding => ({
          problem: `${describeIndex(index)} is missing: queries that need it fail`,
          hint: createIndexCommand(index, name),
        })),
        ...building.map(({ index, state }): Finding => ({
          problem: `${describeIndex(index)} is ${state}: queries that need it fail until it is READY`,
          hint: `gcloud firestore indexes composite list --database="${name}"`,
        })),
        ...unset.map((override): Finding => ({
          problem: `the field ${override.collectionGroup}.${override.fieldPath} is indexed otherwise: expected ${override.indexes.length === 0 ? 'no index' : 'one ascending index of the collection group'}`,
          hint: updateFieldCommand(override, name),
        })),
      ];
    },
    signal,
  );
};

type Comparison = {
  readonly missing: readonly CompositeIndex[];
  readonly building: readonly { readonly index: CompositeIndex; readonly state: string }[];
  readonly unset: readonly FieldOverride[];
};

const compare = async (admin: IndexAdmin, database: string, declared: FirestoreIndexes, signal: AbortSignal): Promise<Comparison> => {
  const groups = [...new Set(declared.indexes.map(({ collectionGroup }) => collectionGroup))];
  const found = new Map(
    await Promise.all(groups.map(async (group) => [group, (await bounded(admin.listIndexes({ parent: groupPath(database, group) }), signal))[0]] as const)),
  );
  // `-`: of all groups. Only fields that were set apart from the database's defaults are listed.
  const [fields] = await bounded(admin.listFields({ parent: groupPath(database, '-'), filter: 'indexConfig.usesAncestorConfig:false' }), signal);
  const stateOf = (index: CompositeIndex): string | undefined => {
    const same = found.get(index.collectionGroup)?.find((each) => keyOf(each) === keyOf(index));
    return same === undefined ? undefined : String(same.state);
  };
  const isSet = ({ collectionGroup, fieldPath, indexes }: FieldOverride): boolean => {
    const field = fields.find(({ name }) => name === `${groupPath(database, collectionGroup)}/fields/${fieldPath}`);
    const expected = indexes.map(({ queryScope, order }) => keyOf({ collectionGroup, queryScope, fields: [{ fieldPath, order }] })).sort();
    return field !== undefined && JSON.stringify((field.indexConfig?.indexes ?? []).map(keyOf).sort()) === JSON.stringify(expected);
  };
  const states = declared.indexes.map((index) => ({ index, state: stateOf(index) }));
  return {
    missing: states.flatMap(({ index, state }) => (state === undefined ? [index] : [])),
    building: states.flatMap(({ index, state }) => (state === undefined || state === 'READY' ? [] : [{ index, state }])),
    unset: declared.fieldOverrides.filter((override) => !isSet(override)),
  };
};

const scopeFlag = (queryScope: string): string => queryScope.toLowerCase().replace('_', '-');

const createIndexCommand = ({ collectionGroup, queryScope, fields }: CompositeIndex, database: string): string =>
  [
    `gcloud firestore indexes composite create --database="${database}" --collection-group=${collectionGroup} --query-scope=${scopeFlag(queryScope)}`,
    ...fields.map(({ fieldPath, order }) => `--field-config='field-path=${fieldPath},order=${order.toLowerCase()}'`),
  ].join(' ');

const updateFieldCommand = ({ collectionGroup, fieldPath, indexes }: FieldOverride, database: string): string =>
  `gcloud firestore indexes fields update '${fieldPath}' --database="${database}" --collection-group=${collectionGroup} ${
    indexes.length === 0
      ? '--disable-indexes'
      : indexes.map(({ order, queryScope }) => `--index=order=${order.toLowerCase()},query-scope=${scopeFlag(queryScope)}`).join(' ')
  }`;
