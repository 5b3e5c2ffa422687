/** Rollouts that a person may set by hand now, and what follows. Pure. */

import type { Arc } from "../../circle.ts";
import { MAINTENANCE } from "../../circle.ts";
import type { ApplicationNews, ReleaseNews } from "../news.ts";
import { shareText } from "./words.ts";

/** The versions with a record. Maintenance is a switch. */
export function versionsOf({ arcs }: ApplicationNews): string[] {
  return arcs.map(({ version }) => version);
}

export interface Wanted {
  readonly version: string;
  /** In [0, 1]; not a number if the field is empty. */
  readonly rollout: number;
}

export type Setting =
  | {
      readonly kind: "possible";
      readonly label: string;
      readonly consequence: string;
      readonly expect: number;
    }
  | { readonly kind: "impossible"; readonly why: string };

/** The consequence of a wanted rollout, or why it is not possible. */
export function settingOf({ version, rollout }: Wanted, news: ApplicationNews): Setting {
  const arc = news.arcs.find((each) => each.version === version);
  if (arc === undefined) return { kind: "impossible", why: `${version} has no record any more` };
  if (!(rollout >= 0 && rollout <= 1)) return { kind: "impossible", why: "write a share from 0 to 100" };
  const expect = arc.rollout;
  if (rollout === expect)
    return { kind: "impossible", why: `${version} is at ${wayText(arc, expect)} already` };
  const release = news.releases.find((each) => each.version === version && isUnderWay(each));
  if (release !== undefined && rollout > expect) {
    return {
      kind: "impossible",
      why: `release ${release.id} is ${release.state}, so its verbs raise ${version}, and set does not`,
    };
  }
  const label = `Set ${version} to ${wayText(arc, rollout)}`;
  return { kind: "possible", label, expect, consequence: consequenceOf(arc, rollout, release) };
}

function consequenceOf(
  { version, rollout: now }: Arc,
  wanted: number,
  release: ReleaseNews | undefined,
): string {
  if (version === MAINTENANCE) {
    return wanted > 0
      ? "switches maintenance on: the proxies show their maintenance page to all visitors"
      : "switches maintenance off: visitors get their versions again";
  }
  const share = shareText(Math.abs(wanted - now));
  if (wanted > now)
    return `gives ${share} more of the visitors ${version}, at once and without a plan or a judge`;
  const end =
    release === undefined
      ? ""
      : wanted === 0
        ? `, and aborts release ${release.id}`
        : `, and pauses release ${release.id}`;
  return `takes ${share} of the visitors back from ${version}, at once${end}`;
}

function isUnderWay({ state }: ReleaseNews): boolean {
  return state !== "aborted" && state !== "finished";
}

function wayText({ version }: Arc, rollout: number): string {
  if (version !== MAINTENANCE) return shareText(rollout);
  return rollout > 0 ? "on" : "off";
}
