/** Makes a `switch` over a closed union exhaustive: a new member fails the type check, not the run. */
export const assertNever = (value: never): never => {
  throw new TypeError(`unexpected ${JSON.stringify(value)}`);
};
