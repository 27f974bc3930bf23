// One thing that is wrong with a pipeline, told to the person who has to mend it: where it stands, what was expected and
// found, and what to do. All problems of a folder are collected before any is shown, so a deadline costs one round, not ten.
import { nearestName } from '../domain/nearest-name.ts';

export type Problem = {
  /** Relative to the pipeline's folder, with `/`. */
  readonly file: string;
  /** 1-based; 1 where the file as a whole is meant. */
  readonly line: number;
  /** 1-based. */
  readonly column?: number;
  /** Where in pipeline.yaml, e.g. `processors.games.key`. */
  readonly path?: string;
  /** What was expected and what was found. */
  readonly message: string;
  /** What to do about it. */
  readonly fix: string;
  readonly severity: 'error' | 'warning';
};

/** One line as compilers write it, so that terminals and editors make the place clickable. */
export const formatProblem = (problem: Problem): string => {
  const place = problem.column === undefined ? `${problem.line}` : `${problem.line}:${problem.column}`;
  return `${problem.file}:${place} ${problem.severity}  ${problem.message} — ${problem.fix}`;
};

const rank = (file: string): string => (file === 'pipeline.yaml' ? '' : file);

/** pipeline.yaml first, then by file, line and column; a problem that was found twice is told once. */
export const sortProblems = (problems: readonly Problem[]): readonly Problem[] => {
  const unique = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  return [...unique.values()].sort((a, b) => {
    if (a.file !== b.file) return rank(a.file) < rank(b.file) ? -1 : 1;
    return a.line - b.line || (a.column ?? 0) - (b.column ?? 0);
  });
};

/** `a, b and c`, cut short where it would be a page. */
export const listNames = (names: Iterable<string>, most = 12): string => {
  const all = [...names];
  const shown = all.length > most ? [...all.slice(0, most), `${all.length - most} more`] : all;
  return shown.length < 2 ? (shown[0] ?? 'none') : `${shown.slice(0, -1).join(', ')} and ${shown[shown.length - 1]}`;
};

/** The fix for a name that nobody knows: the nearest one, or what there is to choose from. */
export const suggestName = (name: string, known: Iterable<string>, what: string): string => {
  const names = [...known];
  const nearest = nearestName(name, names);
  if (nearest !== undefined) return `write "${nearest}"`;
  return names.length === 0 ? `declare ${what} first: there is none` : `use ${what} that is declared: ${listNames(names)}`;
};
