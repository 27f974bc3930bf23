// Parsed documents by path, the least recently used given up first, bounded by the text that they were parsed from. Whoever
// reads from it compares the version first; the objects are deeply frozen, so that all can share them.
import { freezeJson } from '@floodgate/core/ports/document-rules.ts';
import type { JsonObject, StoredDocument } from '@floodgate/core/ports/status-store.ts';

/** A parsed document takes more than its text: keys, headers. For small ones this much more. */
const overheadBytes = 500;

export class DocumentCache {
  readonly #maxBytes: number;
  /** In the order of use, which Map keeps as the order of insertion. */
  readonly #entries = new Map<string, { readonly document: StoredDocument; readonly bytes: number }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(path: string): StoredDocument | undefined {
    const entry = this.#entries.get(path);
    if (entry === undefined) return undefined;
    this.#entries.delete(path);
    this.#entries.set(path, entry);
    return entry.document;
  }

  parse(path: string, version: number, text: string): StoredDocument {
    const document = Object.freeze({ path, data: freezeJson(JSON.parse(text) as JsonObject), version });
    this.put(document, text.length);
    return document;
  }

  put(document: StoredDocument, textLength: number): void {
    const bytes = textLength + overheadBytes;
    this.#remove(document.path);
    this.#entries.set(document.path, { document, bytes });
    this.#bytes += bytes;
    for (const path of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#remove(path);
    }
  }

  #remove(path: string): void {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    this.#bytes -= entry.bytes;
  }
}
