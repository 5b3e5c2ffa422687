/**
 * Why a release was aborted, in one of a few words. The reason in the record is a text of a person or a
 * sentence of the judge, and a metric must not have a new series for each text. Pure.
 */

import { isUnderWay, type Release } from "../releases/release.ts";
import { STORE_WENT_BACK } from "../releases/restoring.ts";

export const ABORT_REASONS = [
  "person",
  "alert",
  "verdict",
  "inconclusive",
  "foreign",
  "store",
  "unknown",
] as const;
export type AbortReason = (typeof ABORT_REASONS)[number];

/** The authors of aborts that alerts asked for begin so. */
export const ALERT_AUTHOR = "alertmanager:";

/** The words for people. */
export const ABORT_REASON_TEXTS: Readonly<Record<AbortReason, string>> = {
  person: "a person aborted it, by a command or the page",
  alert: "an alert of Alertmanager asked for it, by /api/abort",
  verdict: "a check or the judge found harm",
  inconclusive: "the judge was not sure in time, and the plan says abort",
  foreign: "another program wrote rollout 0",
  store: "the store went back to an older state, and the release was over before",
  unknown: "the record does not say who did it",
};

/**
 * @param author the author of the record; it counts if the log of the release is not there. The name of a
 *               person has an @, and that of a daemon has none
 * @returns undefined if the release is not aborted
 */
export function abortReason(release: Release, author: string | undefined): AbortReason | undefined {
  if (isUnderWay(release) || release.state !== "aborted") return undefined;
  if (release.reason === "inconclusive") return "inconclusive";
  if (release.reason === "foreign-zero") return "foreign";
  if (release.reason === STORE_WENT_BACK) return "store";
  const last = release.log.at(-1);
  const by = last?.[0] === release.seq ? last[5] : author;
  if (by === undefined || by === "") return "unknown";
  if (by.startsWith(ALERT_AUTHOR)) return "alert";
  return by.includes("@") ? "person" : "verdict";
}
