// Who may import whom, as data; imports.test.ts holds every file to it, and CONTRIBUTING.md explains it. A zone may always
// import itself. What is not listed is not allowed: a new folder or a new dependency starts with a line here.

/** From the most special to the most general: the first that matches decides. */
const zonePatterns = [
  ['core/domain', /^packages\/core\/src\/domain\//],
  ['core/ports', /^packages\/core\/src\/ports\//],
  ['core/contracts', /^packages\/core\/src\/contracts\//],
  ['core/pipeline', /^packages\/core\/src\/pipeline\//],
  ['core/app', /^packages\/core\/src\/app\//],
  ['sql', /^packages\/sql\//],
  ['embedded', /^packages\/embedded\//],
  ['gcp', /^packages\/gcp\//],
  ['system', /^packages\/system\//],
  ['emulators', /^packages\/emulators\//],
  ['cloud-limits', /^packages\/cloud-limits\//],
  ['bigquery-emulator', /^packages\/bigquery-emulator\//],
  ['http', /^packages\/http\//],
  // A service chooses its backend where it starts, with the settings of it, and nowhere else.
  ['service/main', /^services\/[^/]+\/src\/(main|config)(\.test)?\.ts$/],
  ['planner', /^services\/planner\//],
  ['worker', /^services\/worker\//],
  ['validator', /^services\/validator\//],
  // The only files of the command line that know a backend or a service.
  ['cli/composition', /^cli\/src\/(embedded-stack|embedded-home|gcp-settings|gcp-stack|gcp-doctor|control-server)\.ts$/],
  ['cli', /^cli\//],
  ['dashboard', /^dashboard\//],
  // Development only: servers to fetch from.
  ['pipeline servers', /^pipelines\/[^/]+\/servers\//],
  ['pipelines', /^pipelines\//],
  ['infra', /^infra\//],
  ['examples', /^examples\//],
  ['bench', /^bench\//],
  ['docs', /^docs\//],
  ['test', /^test\//],
  ['root', /^[^/]+\.ts$/],
] as const;
export type Zone = (typeof zonePatterns)[number][0];

/** Undefined for a file in a folder that the table doesn't know. */
export const zoneOf = (file: string): Zone | undefined => zonePatterns.find(([, pattern]) => pattern.test(file))?.[0];

const outward = ['core/domain', 'core/ports', 'core/contracts', 'core/pipeline', 'core/app'] as const;
const anything = zonePatterns.map(([zone]) => zone);

export const mayImport: Readonly<Record<Zone, readonly Zone[]>> = {
  // domain ← ports ← contracts ← app. The shapes of a store and a bus (JSON, messages) are the ports'; contracts say what is
  // written in them.
  'core/domain': [],
  'core/ports': ['core/domain'],
  'core/contracts': ['core/domain', 'core/ports'],
  'core/pipeline': ['core/domain', 'core/contracts'],
  'core/app': ['core/domain', 'core/ports', 'core/contracts', 'core/pipeline'],
  sql: ['core/domain', 'core/ports'],
  embedded: [...outward, 'sql'],
  gcp: [...outward, 'sql'],
  // Development only: Google's emulators, fake-gcs-server and our BigQuery, with everything in them that a deployment has.
  emulators: [...outward, 'system', 'gcp', 'bigquery-emulator'],
  // What every process takes from the machine it runs on: clock, ids, pipeline folders.
  system: [...outward, 'sql'],
  'cloud-limits': [],
  'bigquery-emulator': ['sql', 'cloud-limits'],
  http: ['core/domain', 'core/ports', 'core/contracts'],
  'service/main': [...outward, 'http', 'planner', 'worker', 'validator', 'system', 'gcp'],
  planner: [...outward, 'http'],
  worker: [...outward, 'http'],
  validator: [...outward, 'http'],
  'cli/composition': [...outward, 'sql', 'http', 'embedded', 'gcp', 'system', 'planner', 'worker', 'validator', 'cli'],
  cli: [...outward, 'sql', 'system', 'http', 'cli/composition', 'pipelines'],
  dashboard: [],
  'pipeline servers': ['pipelines', 'system'],
  // Of app and ports: what a code processor is given.
  pipelines: ['core/domain', 'core/ports', 'core/pipeline', 'core/app'],
  infra: ['core/domain', 'core/contracts', 'cloud-limits'],
  examples: ['core/domain', 'core/pipeline'],
  docs: [...outward, 'cli'],
  bench: anything,
  test: anything,
  root: ['test'],
};

/** Tests look closer than the code beside them: at the rest of core, at the translation, at what tests share. */
const testsMayAlsoImport: readonly Zone[] = [...outward, 'sql', 'system', 'pipeline servers', 'test'];

export const isTestFile = (file: string): boolean => /^(test|bench)\/|\.(test|fixture|contract)\.ts$|^packages\/sql\/src\/corpus\//.test(file);

export const isAllowed = (from: { readonly file: string; readonly zone: Zone }, to: Zone): boolean =>
  from.zone === to || mayImport[from.zone].includes(to) || (isTestFile(from.file) && testsMayAlsoImport.includes(to));

/** Single files that may break the table by a type, each with its reason. One that is no longer needed fails the test. */
export const typeOnlyExceptions: Readonly<Record<string, { readonly imports: readonly Zone[]; readonly because: string }>> = {
  'packages/core/src/domain/failure.ts': {
    imports: ['core/ports'],
    because: 'the table from error codes to classes is complete over the codes of all ports, and the compiler says when one is missing',
  },
  'packages/core/src/ports/document-rules.ts': {
    imports: ['core/contracts'],
    because: 'the rules of documents hold for the indexes that contracts/store-indexes.ts declares',
  },
};

/** Zones whose code may use a package; tests, benches and the root may use every listed one. */
export const packageZones: readonly (readonly [pattern: RegExp, zones: readonly Zone[]])[] = [
  [
    /^zod$/,
    [
      'core/contracts',
      'core/pipeline',
      'core/app',
      'http',
      'system',
      'gcp',
      'planner',
      'worker',
      'validator',
      'service/main',
      'cli',
      'cli/composition',
      'pipeline servers',
      'infra',
    ],
  ],
  [/^yaml$/, ['core/pipeline', 'cli']],
  [/^@polyglot-sql\/sdk$/, ['sql']],
  [/^@duckdb\/node-api$/, ['embedded', 'bigquery-emulator', 'pipeline servers']],
  [/^(node:sqlite)$/, ['embedded']],
  [/^(@google-cloud\/|google-auth-library$|google-gax$|@grpc\/|hyparquet$)/, ['gcp', 'emulators']],
  [/^@fivetrandevelopers\/zetasql/, ['bigquery-emulator']],
  [/^express$/, ['http', 'planner', 'worker', 'validator', 'cli', 'cli/composition', 'bigquery-emulator']],
  [/^pino(-pretty)?$/, ['http']],
  [/^commander$/, ['cli']],
  [/^(vitest|vitest\/.*|fast-check|ajv(\/.*)?|playwright(-core)?|@playwright\/test)$/, []],
];

/** Node's own modules that a zone may use; zones that aren't named may use all but those of `packageZones`. */
export const nodeModulesOf: Readonly<Partial<Record<Zone, readonly string[]>>> = {
  // Hashes are computation, no I/O.
  'core/domain': ['node:crypto'],
  'core/ports': [],
  'core/contracts': [],
  'core/pipeline': ['node:crypto'],
  'core/app': [],
  sql: [],
  'cloud-limits': [],
  // What a processor fetches is hashed and compressed; where it goes, the context says.
  pipelines: ['node:crypto', 'node:util', 'node:zlib'],
};
