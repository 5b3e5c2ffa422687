/**
 * Facts about a release that a person must see, in the same words at a terminal and on the page of a daemon.
 * Pure.
 */

import { isUnderWay } from "../releases/release.ts";
import { oneLine } from "../text/one-line.ts";
import type { Progress } from "./progress.ts";

/** The daemons that have taken the visitors back before the record says so. */
export function overrideWords({ crew }: Progress): string[] {
  return (crew?.overrides ?? []).map(({ name, reason }) =>
    oneLine(`${name} sends all visitors to master already: ${reason}`),
  );
}

/** Another writer's change of the record, and another version beside the release. */
export function besideWords({ release, foreign, otherVersion }: Progress): string[] {
  const isBeside = otherVersion !== undefined && isUnderWay(release);
  return [
    ...(foreign === "none" ? [] : ["another writer changed its record, and no controller has seen that yet"]),
    ...(isBeside ? [oneLine(`${otherVersion} has visitors or a release too, so this one cannot go on`)] : []),
  ];
}

/** The daemons that count a part of the visitors only. */
export function shortageWords({ judged }: Progress): string[] {
  return (judged?.shortages ?? []).map(oneLine);
}
