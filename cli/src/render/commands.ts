// Commands for copying, each with what it is good for.
import { widthOf, type Style } from './style.ts';
import { renderTable } from './table.ts';

export type Suggestion = readonly [command: string, why: string];

/** Side by side where that fits; else what it is good for stands above, as a comment of the shell, so that all can be copied. */
export const renderCommands = (suggestions: readonly Suggestion[], style: Style, width: number): readonly string[] => {
  const lines = renderTable(
    [{ title: '' }, { title: '' }],
    suggestions.map(([command, why]) => [style.paint('cyan', command), style.dim(why)]),
    style,
  );
  if (lines.every((line) => widthOf(line) <= width)) return lines;
  return suggestions.flatMap(([command, why]) => [...(why === '' ? [] : [style.dim(`  # ${why}`)]), `  ${style.paint('cyan', command)}`]);
};

const names = 'demo|doctor|lint|plan|validate|backfill|up|status|watch|explain|sql|export|pause|resume|cancel|retry|approve|dlq|quarantine|reconcile';
/** Up to the end of a word, without what ends a clause; commas inside belong to lists. */
const word = String.raw`[^\s;)]*[^\s;,).]`;
/** A command with its arguments, in a sentence: what follows belongs to it where it is a flag with its value, or no plain word. */
const inText = new RegExp(
  String.raw`npx floodgate (?:${names})\b(?: (?:list|show|replay|accept|reject)\b)?(?: (?:--[\w-]+(?:[ =](?!or\b|and\b|to\b|--)${word})?|(?=[^\s;)]*[\d_-])${word}))*`,
  'g',
);

/** Puts the flags that this home needs behind every command of ours in a text that knows nothing of them. */
export const withFlags = (text: string, flags: string): string =>
  flags === '' ? text : text.replaceAll(inText, (command) => (command.includes(flags.trim()) ? command : `${command}${flags}`));
