/** The words for a freeze: how it is, and how a write of it ended. Pure. */

import { oneLine } from "../text/one-line.ts";
import type { Freeze } from "./freeze.ts";
import type { FreezeOutcome } from "./set-freeze.ts";
import { readOnlyWords, type Words } from "./words.ts";

/** `releases are frozen by ada@web1 since 2026-…: Black Friday`. */
export function freezeText({ isFrozen, by, at, why }: Freeze): string {
  const who = by === undefined ? "" : ` by ${by}`;
  const when = at === undefined ? "" : ` since ${at}`;
  const reason = why === undefined ? "" : `: ${why}`;
  return isFrozen ? `releases are frozen${who}${when}${reason}` : "releases are not frozen";
}

/** @param address of the store, without secrets */
export function freezeWords(outcome: FreezeOutcome, address: string): Words {
  switch (outcome.kind) {
    case "written":
    case "unchanged":
      return { exit: "ok", text: oneLine(freezeText(outcome.now)) };
    case "read-only":
      return readOnlyWords(address);
    case "conflict":
      return {
        exit: "conflict",
        text: oneLine(`another operator was first: ${freezeText(outcome.now)}; nothing was written`),
        remedy: "look at it with freeze, and decide again",
      };
    case "failed":
      return {
        exit: outcome.error.code === "unavailable" ? "unreachable" : "failed",
        text: oneLine(`${outcome.error.message}; nothing was written`),
        remedy: "try again",
      };
    case "unsure":
      return {
        exit: "unreachable",
        text: oneLine(`${outcome.error.message}; the answer was lost, and the change may have been written`),
        remedy: "look with freeze before you try again",
      };
  }
}
