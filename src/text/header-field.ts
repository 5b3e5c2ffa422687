/**
 * Cuts a line of an HTTP head, such as `Host: shop`, into its name and its value.
 *
 * It looks at each character once. A pattern such as `(.*?)[ \t]*$` looks at a run of spaces again from each
 * of them: one head of 8 kB would take 50 ms, and visitors would wait for so long.
 */

/** @returns undefined if the line has no colon, or a lone CR or LF. Only the value is trimmed. */
export function headerField(line: string): readonly [name: string, value: string] | undefined {
  const colon = line.indexOf(":");
  if (colon < 0 || line.includes("\r") || line.includes("\n")) return undefined;
  let start = colon + 1;
  let end = line.length;
  while (start < end && isBlank(line, start)) start++;
  while (end > start && isBlank(line, end - 1)) end--;
  return [line.slice(0, colon), line.slice(start, end)];
}

function isBlank(line: string, at: number): boolean {
  return line[at] === " " || line[at] === "\t";
}
