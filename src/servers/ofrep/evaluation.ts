/**
 * Writes a decision as the evaluation of a flag. Pure.
 *
 *     {"key":"website","value":"canary","reason":"SPLIT","variant":"canary",
 *      "metadata":{"application":"website","assignment":0.42,"reason":"rollout"}}
 */

import type { Decision } from "../../handler.ts";
import type { Reason } from "../../placement.ts";

/**
 * The protocol allows five reasons. `STALE` and `DEFAULT` of OpenFeature are not among them, so a client may
 * refuse them. A reason of `STATIC` would allow a client to keep the answer, and a canary could not be taken
 * back from it. The metadata have the daemon's own reason.
 */
const REASONS: Readonly<Record<Reason, "SPLIT" | "TARGETING_MATCH" | "UNKNOWN">> = {
  rollout: "SPLIT",
  outside: "SPLIT",
  hold: "SPLIT",
  forced: "TARGETING_MATCH",
  stale: "UNKNOWN",
  unread: "UNKNOWN",
  invalid: "UNKNOWN",
  "unknown-application": "UNKNOWN",
};

/**
 * The evaluation of a flag, as JSON.
 *
 * @param application the flag's; the placement of a request that cannot be read has another one
 * @param version     undefined for the flag that has the location
 */
export function evaluation(
  key: string,
  application: string,
  version: string | undefined,
  { assignment, placement }: Readonly<Decision>,
): string {
  // Names of versions have only plain characters, so they need no escape.
  const { location, reason } = placement;
  const value = version === undefined ? `"${location}"` : version === location;
  const metadata = `{"application":${JSON.stringify(application)},"assignment":${assignment},"reason":"${reason}"}`;
  return `{"key":${JSON.stringify(key)},"value":${value},"reason":"${REASONS[reason]}","variant":"${location}","metadata":${metadata}}`;
}
