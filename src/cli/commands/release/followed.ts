/** The one release that a command follows. */

import type { Store } from "../../../stores/store.ts";
import { oneLine } from "../../../text/one-line.ts";
import type { Following } from "../../../verbs/follower.ts";
import { type Found, type Observation, Observer } from "../../../verbs/observer.ts";
import type { Invocation } from "../../command.ts";
import { CliError } from "../../exit.ts";
import { inTime } from "../../with-store.ts";
import { meantIn, noneError } from "./look.ts";
import { CLOCKS, TIMERS } from "./terminal.ts";

export interface Followed extends Following {
  /** The first look. */
  readonly seen: Observation;
  /** The release at the first look. */
  readonly found: Found;
}

/**
 * Makes the first look. Rejects with a `CliError` if there is no release, or more than one that may be meant.
 *
 * @param version undefined if a person named none
 * @param key     the release that was just started; undefined for the one that is there
 */
export async function followedRelease(
  store: Store,
  application: string,
  version: string | undefined,
  key: string | undefined,
  { io, storeFlags }: Invocation,
): Promise<Followed> {
  const observer = new Observer(store, application, CLOCKS);
  const seen = await inTime(store, io, (signal) => observer.look(signal));
  const meant = meantIn(seen, version).filter(({ release }) => key === undefined || release.key === key);
  const [found, ...more] = meant;
  if (found === undefined && key !== undefined) {
    throw new CliError(
      "replaced",
      oneLine(`the release of ${version} of ${application} was replaced at once`),
    );
  }
  if (found === undefined) throw await noneError(store, seen, version, storeFlags);
  if (more.length > 0) {
    const names = meant.map((each) => each.version).join(" and ");
    const text = `${names} of ${application} have a release each`;
    throw new CliError("usage", oneLine(text), "name the version to follow");
  }
  const aim = { application, version: found.version, key: found.release.key };
  return { store, observer, aim, timers: TIMERS, seen, found };
}
