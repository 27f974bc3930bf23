// How a document of the port lies in Firestore:
//
//   json  the whole document as one text, so that its size and shape cost no index entries (a year's ledger has 365 maps), and
//         lists in lists, which Firestore has no place for, are kept
//   f     the fields of declared indexes that hold a string or a number, by their dotted names
//   p     the path: the order of queries over several collections. Firestore's own order of names goes segment by segment, and would
//         put `b1` before `b1-x` where the port says that `b1-x/…` comes before `b1/…`
//   w     the write's id. Firestore keeps a document's update time where a write changes nothing; this changes every time
//
// The port's version is the update time in microseconds: the instant of the commit, which grows along everything that depends on it.
import { splitDocumentPath } from '@floodgate/core/ports/document-rules.ts';
import { freezeJson } from '@floodgate/core/ports/document-rules.ts';
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import type { JsonObject, StoredDocument } from '@floodgate/core/ports/status-store.ts';

export type Timestamp = { readonly seconds: number | string; readonly nanos: number };

/** Of the types that Firestore has, those we write. */
export type FirestoreValue =
  | { readonly stringValue: string }
  | { readonly doubleValue: number }
  | { readonly mapValue: { readonly fields: Readonly<Record<string, FirestoreValue>> } }
  | { readonly referenceValue: string };

export type FirestoreDocument = { readonly name: string; readonly fields: Readonly<Record<string, FirestoreValue>> };

/** As the service sends it. */
export type FoundDocument = {
  readonly name?: string | null;
  readonly fields?: Readonly<Record<string, { readonly stringValue?: string | null }>> | null;
  readonly updateTime?: { readonly seconds?: unknown; readonly nanos?: number | null } | null;
};

export const jsonField = 'json';
export const pathField = 'p';
export const writeField = 'w';

/** As a field path of the API: dotted names are one name here. */
export const indexedField = (field: string): string => (field.includes('.') ? `f.\`${field}\`` : `f.${field}`);

/**
 * Name of a document. The port's rules for names are Firestore's (no `/`, `.`, `..`, `__x__`, at most 500 characters, which are at most
 * 1,500 bytes), so nothing is encoded; only text that is no Unicode can't be sent.
 */
export function nameOfDocument(database: string, path: string): string {
  splitDocumentPath(path);
  return `${database}/documents/${wellFormed(path, 'path')}`;
}

/** Name of what a collection lies in: a document, or the root of the database. */
export function parentOfCollection(database: string, collection: string): string {
  const end = collection.lastIndexOf('/');
  return end === -1 ? `${database}/documents` : `${database}/documents/${wellFormed(collection.slice(0, end), 'path')}`;
}

function pathOfName(database: string, name: string): string {
  return name.slice(database.length + '/documents/'.length);
}

function wellFormed(text: string, what: string): string {
  if (text.isWellFormed()) return text;
  throw new StoreError('invalid', `the ${what} ${JSON.stringify(text)} is no Unicode text: it has half a character`);
}

export type DocumentContent = {
  readonly path: string;
  readonly text: string;
  /** Declared fields that hold a string or a number. */
  readonly indexed: readonly (readonly [field: string, value: string | number])[];
};

/** Throws StoreError `invalid` above Firestore's limit, which counts more than the text. */
export function toFirestoreDocument(database: string, { path, text, indexed }: DocumentContent, writeId: string): FirestoreDocument {
  const document = {
    name: nameOfDocument(database, path),
    fields: {
      [jsonField]: { stringValue: text },
      f: { mapValue: { fields: Object.fromEntries(indexed.map(([field, value]) => [field, scalarValue(value, field)])) } },
      [pathField]: { stringValue: path },
      [writeField]: { stringValue: writeId },
    },
  };
  // A UTF-16 unit is at most 3 bytes in UTF-8, and what lies beside the text is small: nearly no document is counted.
  if (text.length * 3 > maxDocumentBytes - 40_000) checkSize(path, document);
  return document;
}

/** https://docs.cloud.google.com/firestore/docs/storage-size */
const maxDocumentBytes = 1_048_576;
const maxFieldValueBytes = maxDocumentBytes - 89;

function checkSize(path: string, document: FirestoreDocument): void {
  const bytes = path.split('/').reduce((sum, segment) => sum + bytesOf(segment), 16) + sizeOfFields(document.fields) + 32;
  const textBytes = sizeOf(document.fields[jsonField]!);
  if (bytes <= maxDocumentBytes && textBytes <= maxFieldValueBytes) return;
  throw new StoreError('invalid', `${path} takes ${bytes} bytes in Firestore, more than the ${maxDocumentBytes} of a document`, {
    hint: 'Split it into several documents.',
  });
}

const sizeOfFields = (fields: Readonly<Record<string, FirestoreValue>>): number =>
  Object.entries(fields).reduce((sum, [name, value]) => sum + bytesOf(name) + sizeOf(value), 0);

function sizeOf(value: FirestoreValue): number {
  if ('stringValue' in value) return bytesOf(value.stringValue);
  if ('mapValue' in value) return sizeOfFields(value.mapValue.fields);
  return 8;
}

/** Of a text: one more than its UTF-8 has. */
const bytesOf = (text: string): number => new TextEncoder().encode(text).length + 1;

/** All numbers are doubles, as they are in JSON; whole ones compare with them as equals. */
export function scalarValue(value: string | number, field: string): FirestoreValue {
  return typeof value === 'string' ? { stringValue: wellFormed(value, `value of "${field}"`) } : { doubleValue: value };
}

/** Throws StoreError `invalid` for a document that something else than this store has written. */
export function toStoredDocument(database: string, found: FoundDocument): StoredDocument {
  const path = pathOfName(database, found.name ?? '');
  const text = found.fields?.[jsonField]?.stringValue;
  if (typeof text !== 'string') {
    throw new StoreError('invalid', `the document ${path} was not written by Floodgate: it has no text in "${jsonField}"`, {
      hint: 'Give Floodgate a Firestore database of its own.',
    });
  }
  return { path, data: freezeJson(JSON.parse(text) as JsonObject), version: versionOf(found) };
}

export function versionOf(found: FoundDocument): number {
  const { seconds, nanos } = found.updateTime ?? {};
  return Number(seconds) * 1_000_000 + Math.floor((nanos ?? 0) / 1_000);
}

/** The update time of a version, for a condition on it. */
export const timestampOf = (version: number): Timestamp => ({
  seconds: Math.floor(version / 1_000_000),
  nanos: (version % 1_000_000) * 1_000,
});
