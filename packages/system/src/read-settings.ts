// Reading settings, for config.ts of every process. A setting is its flag, else its environment variable, else its default;
// nothing falls back silently. All that is wrong is said at once, variables that nobody reads included: a misspelt one would
// otherwise be a default that nobody chose.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { nearestName } from '@floodgate/core/domain/nearest-name.ts';
import * as z from 'zod';

export type Environment = Readonly<Record<string, string | undefined>>;

/** How one setting is named and read. Without `initial` it must be given. */
export type Setting = {
  readonly variable: string;
  /** Read where `variable` is not set: somebody else's name for the same thing. */
  readonly otherwise?: string;
  /** Name of its flag, in camelCase. */
  readonly flag?: string;
  /** From the text that was given. */
  readonly schema: z.ZodType<unknown, string>;
  readonly initial?: unknown;
};
export type SettingsTable = Readonly<Record<string, Setting>>;

export type SettingsOf<Table extends SettingsTable> = {
  readonly [Name in keyof Table]: z.output<Table[Name]['schema']> | (Table[Name] extends { readonly initial: infer Initial } ? Initial : never);
};

export type ReadOptions<Table extends SettingsTable> = {
  readonly environment: Environment;
  /** As given on a command line; what is no text is none of these settings. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** Variables that are read elsewhere: by exact name, for hints, and by rule. */
  readonly alsoKnown?: readonly string[];
  readonly isKnown?: (variable: string) => boolean;
  /** What the settings are wrong in together. Asked only where each of them is right. */
  readonly check?: (values: SettingsOf<Table>) => readonly string[];
};

const prefix = 'FLOODGATE_';
const kebab = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Texts of `environment` that count: an empty variable is one that is not set. */
const textOf = (environment: Environment, variable: string): string | undefined => environment[variable] || undefined;

const unknownVariables = (
  environment: Environment,
  known: readonly string[],
  alsoKnown: readonly string[],
  isKnown: (name: string) => boolean,
): readonly string[] =>
  Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && environment[name] !== '' && !known.includes(name) && !isKnown(name))
    .map((name) => {
      // Without the prefix, which makes everything alike.
      const near = nearestName(
        name.slice(prefix.length),
        known.filter((each) => each.startsWith(prefix)).map((each) => each.slice(prefix.length)),
      );
      return `${name}: unknown variable; ${near === undefined ? `known are ${[...known, ...alsoKnown].join(', ')}` : `did you mean ${prefix}${near}?`}`;
    });

/** Throws FloodgateError `invalid_settings` where there are problems. */
export const refuseSettings = (problems: readonly string[]): void => {
  if (problems.length === 0) return;
  throw new FloodgateError(
    'invalid_settings',
    problems.length === 1 ? (problems[0] ?? '') : `${problems.length} settings are not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
  );
};

/** Throws FloodgateError `invalid_settings` with every problem, in the order of the table. */
export const readSettings = <Table extends SettingsTable>(table: Table, options: ReadOptions<Table>): SettingsOf<Table> => {
  const { environment, flags = {}, alsoKnown = [], isKnown = () => false, check } = options;
  const known = Object.values(table).flatMap(({ variable, otherwise }) => (otherwise === undefined ? [variable] : [variable, otherwise]));
  const problems: string[] = [...unknownVariables(environment, known, alsoKnown, isKnown)];
  const values = Object.entries(table).map(([name, setting]): readonly [string, unknown] => {
    const { variable, otherwise, flag, schema } = setting;
    const given = flag === undefined ? undefined : flags[flag];
    const names = otherwise === undefined ? [variable] : [variable, otherwise];
    const found = names.find((each) => textOf(environment, each) !== undefined);
    const [text, from] =
      flag !== undefined && typeof given === 'string' ? [given, kebab(flag)] : [found === undefined ? undefined : environment[found], found ?? variable];
    if (text === undefined) {
      if (!('initial' in setting)) problems.push(`${names.join(' or ')}: not set`);
      return [name, setting.initial];
    }
    const parsed = schema.safeParse(text);
    if (parsed.success) return [name, parsed.data];
    problems.push(`${from}: ${parsed.error.issues[0]?.message ?? 'not valid'}, found "${text}"`);
    return [name, undefined];
  });
  // Every name of the table with what its schema gave, or its default.
  const settings = Object.fromEntries(values) as SettingsOf<Table>;
  if (problems.length === 0) problems.push(...(check?.(settings) ?? []));
  refuseSettings(problems);
  return settings;
};

/** Schemas that many settings share. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .refine((text) => /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max, `expected a whole number from ${min} to ${max}`)
    .transform(Number);
export const oneOf = <const Names extends readonly [string, ...string[]]>(names: Names) =>
  z.string().pipe(z.enum(names, `expected one of ${names.join(', ')}`));
export const folder = z.string().min(1, 'expected a folder');
export const commaSeparated = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  )
  .refine((parts) => parts.length > 0, 'expected a list, with commas in between');

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];
