/** One line of DogStatsD: `name:value|type|@rate|#tag:value,tag:value`. */

import type { Labels, StatsdName } from "./metric.ts";

/** A counter's growth, a gauge, or a histogram's observation. */
export type StatsdType = "c" | "g" | "h";

/** These characters would end the value of a tag, or the line. */
const SEPARATORS = /[|@,#\n\r]/g;

/**
 * The line, without an LF. `labels` has the values of the tags. `rate` is 1 divided by the number of
 * observations that the line stands for.
 */
export function statsdLine(
  { name, tags }: Pick<StatsdName, "name" | "tags">,
  type: StatsdType,
  value: number,
  labels: Labels = {},
  rate = 1,
): string {
  let line = `${name}:${value}|${type}`;
  if (rate !== 1) line += `|@${rate}`;
  if (tags.length === 0) return line;
  return `${line}|#${tags.map((tag) => `${tag}:${(labels[tag] ?? "").replace(SEPARATORS, "_")}`).join(",")}`;
}
