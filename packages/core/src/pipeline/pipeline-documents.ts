// The declaration of a pipeline, put together from its files: pipeline.yaml, and processors/<name>.yaml for each processor
// that is declared in a file of its own. What comes out is one document; every place in it names the file that it is in.
import { describeValue } from './schema-problems.ts';
import type { Problem } from './problem.ts';
import { pipelineFile, readYaml, type Path, type YamlDocument } from './yaml-document.ts';

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

const processorFile = /^processors\/(?<id>[^/]+)\.yaml$/;

type Declared = { readonly id: string; readonly document: YamlDocument };

const ownFiles = (files: ReadonlyMap<string, string>): readonly (Declared & { readonly file: string })[] =>
  [...files.keys()].sort().flatMap((file) => {
    const id = processorFile.exec(file)?.groups?.['id'];
    return id === undefined ? [] : [{ id, file, document: readYaml(files.get(file) ?? '', file) }];
  });

/** Never throws: what can't be read is a problem of the result. `files` as for readPipeline; it has pipeline.yaml. */
export const readPipelineYaml = (files: ReadonlyMap<string, string>): YamlDocument => {
  const main = readYaml(files.get(pipelineFile) ?? '');
  const declared = ownFiles(files);
  if (declared.length === 0 || !isRecord(main.value)) return main;
  const inMain = main.value['processors'] ?? {};
  // Processors that are no map are a problem of pipeline.yaml, and told as that.
  if (!isRecord(inMain)) return main;
  const problems: Problem[] = [...main.problems];
  const own = new Map<string, YamlDocument>();
  for (const { id, file, document } of declared) {
    problems.push(...document.problems);
    if (Object.hasOwn(inMain, id)) {
      const message = `expected processor ${id} to be declared once, found it in pipeline.yaml and in ${file}`;
      problems.push({ file, line: 1, message, fix: 'keep one of the two', severity: 'error' });
    } else if (isRecord(document.value)) own.set(id, document);
    else if (document.problems.length === 0) {
      const message = `expected the declaration of processor ${id} in ${file}, found ${describeValue(document.value)}`;
      problems.push({
        file,
        line: 1,
        message,
        fix: `write what would stand below processors.${id} in pipeline.yaml, e.g. begin with "phase: 1"`,
        severity: 'error',
      });
    }
  }
  const values = Object.fromEntries([...own].map(([id, { value }]) => [id, value]));
  const at = <Found>(path: Path, find: (document: YamlDocument, path: Path) => Found): Found => {
    const document = path[0] === 'processors' ? own.get(String(path[1])) : undefined;
    return document === undefined ? find(main, path) : find(document, path.slice(2));
  };
  return {
    value: { ...main.value, processors: { ...inMain, ...values } },
    problems,
    brokenFrom: new Map([main, ...declared.map(({ document }) => document)].flatMap(({ brokenFrom }) => [...brokenFrom])),
    placeOf: (path) => at(path, (document, rest) => document.placeOf(rest)),
    placeOfKey: (path) => at(path, (document, rest) => document.placeOfKey(rest)),
    placeInText: (path, line, column) => at(path, (document, rest) => document.placeInText(rest, line, column)),
  };
};
