/** Names from outside in sentences. */

import { oneLine } from "../text/one-line.ts";

/** A record and a line of the log have little room. */
export const NAME_LENGTH_MAX = 48;

/** The name as one safe line. A longer one is cut. */
export function shortName(name: string): string {
  return oneLine(name.slice(0, NAME_LENGTH_MAX).toWellFormed());
}
