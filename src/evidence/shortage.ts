/** Sentences about memory that is short. Pure. */

import { oneLine } from "../text/one-line.ts";
import type { Figures } from "./figures.ts";

/** A longer list of daemons is cut. */
const NAMES_MAX = 6;

export const SHORTAGE_REMEDY =
  "end releases that are over (finish), or run a second daemon for some of the applications";

/** Empty if all daemons have memory enough. */
export function shortageSentences({ reporting: { short } }: Figures): string[] {
  if (short.length === 0) return [];
  const names = short.slice(0, NAMES_MAX).join(", ");
  const more = short.length > NAMES_MAX ? ` and ${short.length - NAMES_MAX} more` : "";
  return [
    oneLine(
      `the memory for evidence is short at ${names}${more}, so a part of the visitors there counts only: a bad version is ` +
        `found later, and ok comes later. To end that, ${SHORTAGE_REMEDY}`,
    ),
  ];
}
