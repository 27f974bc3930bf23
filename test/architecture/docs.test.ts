// The documentation names commands, flags, variables, files and keys that exist, and the pipeline in README.md has no problems.
import { existsSync, globSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lintFiles } from '@floodgate/cli/lint-folder.ts';
import { runProgram } from '@floodgate/cli/program.ts';
import { formatPipelineJsonSchema } from '@floodgate/core/pipeline/pipeline-json-schema.ts';
import { readSource } from './source-files.ts';

const root = join(import.meta.dirname, '../..');
const pages = ['README.md', ...globSync('docs/*.md', { cwd: root })].map((file) => ({ file, text: readSource(file) }));
const commandLines = new Map<string, Promise<string>>();

/** What `floodgate <words> --help` says; empty where there is no such command. */
const helpOf = (words: readonly string[]): Promise<string> => {
  const key = words.join(' ');
  const known = commandLines.get(key);
  if (known !== undefined) return known;
  const asked = (async () => {
    let said = '';
    const terminal = { write: (text: string) => void (said += text), isTerminal: false, columns: undefined, rows: undefined };
    const silent = { ...terminal, write: () => undefined };
    const code = await runProgram([...words, '--help'], {
      environment: {},
      workingFolder: root,
      out: terminal,
      err: silent,
      interrupted: new AbortController().signal,
    });
    // Help of a group is what an unknown word below it gets: then the group's own name is in the first line, and not the word's.
    return code === 0 && said.startsWith(`Usage: floodgate ${key}`) ? said : '';
  })();
  commandLines.set(key, asked);
  return asked;
};

const groups = ['dlq', 'quarantine'];

/** Every `floodgate …` in code spans and code blocks: its command and the flags behind it, up to what ends a command. */
const commandsIn = (text: string): readonly { readonly words: readonly string[]; readonly flags: readonly string[] }[] => {
  const code = [...text.matchAll(/```[a-z]*\n(?<code>[\s\S]*?)```/g), ...text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/`(?<code>[^`\n]+)`/g)].map(
    (match) => match.groups?.['code'] ?? '',
  );
  return code.flatMap((block) =>
    [...block.matchAll(/(?:^|\s)(?:\$ )?(?:npx )?floodgate (?<rest>[a-z][^\n#|]*)/gm)].flatMap((match) => {
      const parts = (match.groups?.['rest'] ?? '').replaceAll(/"[^"]*"/g, '""').split(/\s+/);
      const length = groups.includes(parts[0] ?? '') && parts.length > 1 ? 2 : 1;
      return [{ words: parts.slice(0, length), flags: parts.filter((part) => /^--[a-z]/.test(part)) }];
    }),
  );
};

/** Sentences in quoted output that begin with the name. */
const notCommands = new Set(['up (process']);

describe.each(pages)('$file', ({ file, text }) => {
  test('names only commands and flags that exist', async () => {
    const wrong: string[] = [];
    for (const { words, flags } of commandsIn(text)) {
      if (notCommands.has([...words].join(' '))) continue;
      const help = await helpOf(words);
      if (help === '') wrong.push(`floodgate ${words.join(' ')}`);
      else
        wrong.push(...flags.filter((flag) => !help.includes(`${flag} `) && !help.includes(`${flag}\n`)).map((flag) => `floodgate ${words.join(' ')} ${flag}`));
    }
    expect(wrong).toEqual([]);
  });

  test('links only to files and headings that exist', () => {
    const wrong: string[] = [];
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = '', heading] = target.split('#');
      const linked = path === '' ? file : normalize(join(dirname(file), path));
      if (!existsSync(join(root, linked))) wrong.push(target);
      else if (heading !== undefined) {
        const headings = [...readSource(linked).matchAll(/^#+ (.+)$/gm)].map(([, words = '']) =>
          words
            .toLowerCase()
            .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
            .replaceAll(' ', '-'),
        );
        if (!headings.includes(heading)) wrong.push(target);
      }
    }
    expect(wrong).toEqual([]);
  });
});

test('the search for commands finds them, their flags, and what is wrong', async () => {
  const found = commandsIn('`npx floodgate plan --start x`, then\n```sh\nnpx floodgate dlq replay --cause y # z\n```\n`floodgate paln`');
  expect(found).toEqual([
    { words: ['dlq', 'replay'], flags: ['--cause'] },
    { words: ['plan'], flags: ['--start'] },
    { words: ['paln'], flags: [] },
  ]);
  expect(await helpOf(['paln'])).toBe('');
  expect(await helpOf(['dlq', 'repaly'])).toBe('');
  expect(await helpOf(['dlq', 'replay'])).toContain('--cause');
  expect(pages.flatMap(({ text }) => commandsIn(text)).length).toBeGreaterThan(60);
});

test('the pipeline in README.md has no problems', async () => {
  const readme = readSource('README.md');
  const files = new Map(
    [...readme.matchAll(/```(?:yaml|sql)\n(?:#|--) pipelines\/sales\/(?<path>\S+)\n(?<text>[\s\S]*?)```/g)].map(({ groups: found }) => [
      found?.['path'] ?? '',
      found?.['text'] ?? '',
    ]),
  );
  expect([...files.keys()]).toEqual(['pipeline.yaml', 'processors/shop_week.sql']);
  expect(await lintFiles(files)).toEqual([]);
});

/** Every key that `pipeline.yaml` may have, wherever. */
const keysOf = (schema: unknown): readonly string[] => {
  if (typeof schema !== 'object' || schema === null) return [];
  if (Array.isArray(schema)) return schema.flatMap(keysOf);
  const { properties } = schema as { readonly properties?: Readonly<Record<string, unknown>> };
  return [...(properties === undefined ? [] : Object.keys(properties)), ...Object.values(schema).flatMap(keysOf)];
};

test('docs/configuration.md has every key of pipeline.yaml, every variable and every flag', async () => {
  const text = readSource('docs/configuration.md');
  const keys = new Set(keysOf(JSON.parse(formatPipelineJsonSchema())));
  expect(keys.size).toBeGreaterThan(40);
  expect([...keys].filter((key) => !new RegExp(`\\b${key}\\b`).test(text))).toEqual([]);
  const variables = readSource('cli/src/config.ts').match(/FLOODGATE_[A-Z_]+(?=')/g) ?? [];
  expect(variables.length).toBeGreaterThan(6);
  expect(variables.filter((variable) => !text.includes(variable))).toEqual([]);
  const commands = [...(await helpOf([])).matchAll(/^ {2}([a-z]+) /gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
  expect(commands.length).toBeGreaterThan(15);
  const flags = new Set<string>();
  for (const command of commands) for (const [flag] of (await helpOf([command])).matchAll(/--[a-z-]+(?= )/g)) flags.add(flag);
  expect([...flags].filter((flag) => flag !== '--help' && !text.includes(flag))).toEqual([]);
});
