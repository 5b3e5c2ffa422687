/**
 * Frames of a terminal, each drawn over the one before, so that nothing flickers: a terminal that knows
 * synchronized updates shows a frame at once, and every other one only sees the characters that changed. A
 * frame leaves the terminal as it should be, so the process may end after any of them. Pure.
 */

const BEGIN = "\u001b[?2026h\u001b[?25l";
const END = "\u001b[?25h\u001b[?2026l";
const HOME = "\u001b[H";
const CLEAR = "\u001b[2J\u001b[H";
const CLEAR_LINE_END = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/**
 * The frame as bytes of a terminal.
 *
 * @param lines   without line feeds; colours are allowed
 * @param rows    the terminal's; the last one stays free for the cursor
 * @param isFirst whether the screen still shows other things than a frame of this size
 */
export function frameText(lines: readonly string[], rows: number, isFirst: boolean): string {
  const room = Math.max(1, rows - 1);
  const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), "…"];
  const text = shown.map((line) => `${line}${CLEAR_LINE_END}\r\n`).join("");
  return `${BEGIN}${isFirst ? CLEAR : HOME}${text}${CLEAR_BELOW}${END}`;
}
