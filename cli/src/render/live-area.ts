// Lines at the bottom of a terminal that are drawn in place. Every drawing is one write between the marks of a synchronised
// update, so that terminals never show half of it; others ignore the marks.
export type LiveArea = {
  readonly draw: (lines: readonly string[]) => void;
  /** Takes the lines away; what is written next stands where they stood. */
  readonly clear: () => void;
};

const escape = '\u001b[';
const begin = `${escape}?2026h${escape}?25l`;
const end = `${escape}?2026l`;

/** Makes the cursor visible, whatever has happened: for the end of the process. */
export const showCursor = `${escape}?25h`;

export const createLiveArea = (write: (text: string) => void): LiveArea => {
  let height = 0;
  let shown = '';
  const back = (): string => (height === 0 ? '' : `\r${escape}${height}A`);
  return {
    draw: (lines) => {
      const text = lines.map((line) => `${line}${escape}K\n`).join('');
      // An unchanged picture is not sent again: a slow connection would only fall behind.
      if (text === shown) return;
      write(`${begin}${back()}${text}${lines.length < height ? `${escape}J` : ''}${end}`);
      [height, shown] = [lines.length, text];
    },
    clear: () => {
      if (height > 0) write(`${back()}${escape}J${showCursor}`);
      [height, shown] = [0, ''];
    },
  };
};
