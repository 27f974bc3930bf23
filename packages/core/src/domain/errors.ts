// One base for all errors that Floodgate throws on purpose.

export class FloodgateError<Code extends string = string> extends Error {
  readonly code: Code;
  /** What to do about it, for the person who reads it. */
  readonly hint: string | undefined;
  constructor(code: Code, message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}
