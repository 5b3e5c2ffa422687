/**
 * The keys of flags: an application, or a version of one. Pure.
 *
 *     website           a text: the visitor's location
 *     website.canary    true or false: whether the visitor's location is this version
 */

import { isVersion, MAINTENANCE } from "../../circle.ts";
import type { Rollout } from "../../rollout.ts";

export interface Flag {
  readonly application: string;
  /** Undefined for the flag that has the location. */
  readonly version: string | undefined;
}

/**
 * The flag with this key; undefined if there is none. Names of applications and of versions may have dots.
 * A key that is the name of an application means the application, and else the longest name counts.
 *
 * A version that has no record is a flag, too: its visitors are none. So the end of a release, which removes
 * the record, is not an error in an application that still asks.
 */
export function flagOf(key: string, rollout: Rollout): Flag | undefined {
  if (rollout.table(key) !== undefined) return { application: key, version: undefined };
  for (let dot = key.lastIndexOf("."); dot > 0; dot = key.lastIndexOf(".", dot - 1)) {
    const application = key.slice(0, dot);
    if (rollout.table(application) === undefined) continue;
    const version = key.slice(dot + 1);
    return isVersion(version) && version !== MAINTENANCE ? { application, version } : undefined;
  }
  return undefined;
}
