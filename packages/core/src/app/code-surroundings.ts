// What one process gives to the code processors that it runs.
import type { CodeSurroundings } from './deps.ts';

/** Once for each process: what `shared` made lives as long as this. */
export const createSurroundings = ({ landing, settingsOf = () => ({}) }: Partial<Pick<CodeSurroundings, 'landing' | 'settingsOf'>>): CodeSurroundings => {
  const values = new Map<string, unknown>();
  return {
    landing,
    settingsOf,
    shared: <Value>(key: string, make: () => Value): Value => {
      if (!values.has(key)) values.set(key, make());
      return values.get(key) as Value;
    },
  };
};
