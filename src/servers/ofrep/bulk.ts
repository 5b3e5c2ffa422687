/**
 * All flags of a visitor at once, for clients that ask once and keep the answer, such as a page in a browser.
 * Pure, except that the handler counts its decisions.
 */

import { CANARY, MAINTENANCE } from "../../circle.ts";
import type { Decision, Handler, Request } from "../../handler.ts";
import type { Rollout, Table } from "../../rollout.ts";
import { evaluation } from "./evaluation.ts";

/**
 * The most flags in one answer. They take an eighth of a millisecond. Only whole applications are in it, in
 * the order in which the daemon serves them: so a new application takes no flag from an old one.
 */
export const FLAGS_MAX = 256;

/** The parts that a listener has for all requests. */
export interface Evaluator {
  readonly handler: Handler;
  readonly rollout: Rollout;
  readonly request: Request;
  readonly decision: Decision;
}

export interface Bulk {
  /** The flags as JSON, with commas between them. */
  readonly flags: string;
  /** Applications that are left out, because there would be more than `FLAGS_MAX` flags. */
  readonly leftOut: number;
}

/**
 * The flags of the applications, for the visitor in `request`.
 *
 * @param application the only one that is wanted; undefined for all
 */
export function bulkOf(evaluator: Evaluator, application: string | undefined, nowMs: number): Bulk {
  const { handler, rollout, request, decision } = evaluator;
  const names = application === undefined ? rollout.applications : [application];
  const flags: string[] = [];
  // A request that cannot be read is one decision, whatever the number of applications is.
  if (!request.valid) handler.decide(request, nowMs, decision);
  let done = 0;
  for (const name of names) {
    const table = rollout.table(name);
    const versions = table === undefined ? [] : versionsOf(table);
    if (flags.length + 1 + versions.length > FLAGS_MAX) break;
    done++;
    request.application = name;
    if (request.valid) handler.decide(request, nowMs, decision);
    if (table === undefined) continue;
    flags.push(evaluation(name, name, undefined, decision));
    for (const version of versions) {
      const key = `${name}.${version}`;
      // The flag of another application has the same key, and goes before this one (`flagOf`).
      if (rollout.table(key) === undefined) flags.push(evaluation(key, name, version, decision));
    }
  }
  return { flags: flags.join(","), leftOut: names.length - done };
}

/** The versions with a record, and `canary`, for which applications ask also between two releases. */
function versionsOf(table: Table): string[] {
  const versions = table.arcs.map(({ version }) => version).filter((version) => version !== MAINTENANCE);
  return versions.includes(CANARY) ? versions : [CANARY, ...versions];
}

/** The answer, as JSON. The tag does not cover the address of the stream, which is not a flag. */
export function bulkText({ flags, leftOut }: Bulk, events: string | undefined): string {
  const metadata = leftOut === 0 ? "" : `,"metadata":{"applicationsLeftOut":${leftOut}}`;
  const streams =
    events === undefined
      ? ""
      : `,"eventStreams":[{"type":"sse","endpoint":{"requestUri":${JSON.stringify(events)}}}]`;
  return `{"flags":[${flags}]${metadata}${streams}}`;
}

/**
 * The tag of these flags. It is a hash of all that they say. So it changes with the configuration and with
 * the context exactly if the answer does, and all daemons of a fleet give the same tag.
 */
export function tagOf({ flags, leftOut }: Bulk): string {
  return `"${Bun.hash.xxHash64(flags, BigInt(leftOut)).toString(16)}"`;
}

/**
 * Whether a header `If-None-Match` has this tag (RFC 9110, section 13.1.2). A proxy that compresses makes a
 * tag weak, so weak ones count, too.
 */
export function hasTag(header: string, tag: string): boolean {
  return header.split(",").some((each) => each.trim().replace(/^W\//, "") === tag);
}
