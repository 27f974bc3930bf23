// Commands for copying, each with what it is good for.
import { widthOf, type Style } from './style.ts';
import { renderTable } from './table.ts';

export type Suggestion = readonly [command: string, why: string];

/** Side by side where that fits; else what it is good for stands above, as a comment of the shell, so that all can be copied. */
export const renderCommands = (suggestions: readonly Suggestion[], style: Style, width: number): readonly string[] => {
  const lines = renderTable([{ title: '' }, { title: '' }], suggestions.map(([command, why]) => [style.paint('cyan', command), style.dim(why)]), style);
  if (lines.every((line) => widthOf(line) <= width)) return lines;
  return suggestions.flatMap(([command, why]) => [...(why === '' ? [] : [style.dim(`  # ${why}`)]), `  ${style.paint('cyan', command)}`]);
};

/** Puts the flags that this home needs behind every command of ours in a text that knows nothing of them. */
export const withFlags = (text: string, flags: string): string =>
  flags === '' ? text : text.replaceAll(/npx floodgate [^`;,)\n]*[^`;,)\n .]/g, (command) => (command.includes(flags.trim()) ? command : `${command}${flags}`));
