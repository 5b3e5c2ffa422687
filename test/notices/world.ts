/** Values for the tests of notices. */

import { harmOf } from "../../src/judge/harm.ts";
import { abortSentence } from "../../src/judge/harm-sentences.ts";
import { metricWords } from "../../src/judge/metric-words.ts";
import { type NoticeMessage, type Subject, transitionNotice } from "../../src/notices/notice.ts";
import { loggedTransitions } from "../../src/releases/logged.ts";
import type { Release, Transition } from "../../src/releases/release.ts";
import { BEGAN_MS, KEY, releaseOf } from "../releases/world.ts";

/** A secret of standard webhooks, from the tests of their own library. */
export const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const MINUTE_MS = 60_000;

const LOG: readonly Transition[] = [
  [1, BEGAN_MS, "running", 1, 0.01, "ada@web-1"],
  [2, BEGAN_MS + 10 * MINUTE_MS, "running", 2, 0.05, "web-2"],
  [3, BEGAN_MS + 40 * MINUTE_MS, "running", 3, 0.25, "web-2"],
  [4, BEGAN_MS + 45 * MINUTE_MS, "aborted", 3, 0, "web-2"],
];

/** A real sentence of the judge, and one that is worth an abort. */
export const WHY = abortSentence(
  harmOf([{ rollout: 0.25, control: 0.75, canary: 30, master: 31 }]),
  metricWords("errors"),
);

/** A release that the judge aborted at its third step, after the first lines of its log. */
export function abortedRelease(lines = LOG.length, changes: Partial<Release> = {}): Release {
  const log = LOG.slice(0, lines);
  const [seq, atMs, state, step, rollout] = log.at(-1) as Transition;
  return releaseOf({
    ...{ seq, state, step, log, since: new Date(atMs).toISOString(), wrote: [rollout, 0.25] },
    arcs: log.map(([, time, , , share]) => [time, share, 0.25]),
    ...(state === "aborted" ? { reason: WHY } : {}),
    ...changes,
  });
}

export function subjectOf(release: Release = abortedRelease()): Subject {
  return { application: "website", version: "canary", release };
}

/** The notices of all lines of a release. */
export function noticesOf(release: Release = abortedRelease()): NoticeMessage[] {
  return loggedTransitions(release).map((logged) => transitionNotice(subjectOf(release), logged));
}

/** The ids of the notices of some lines. */
export function idsOfLines(...seqs: readonly number[]): string[] {
  return LOG.flatMap(([seq, atMs]) => (seqs.includes(seq) ? [`${KEY}-${seq}-${atMs}`] : []));
}

/** The notice of the abort. */
export const ABORTED = noticesOf().at(-1) as NoticeMessage;

/** Shortly after the abort. */
export const NOW_MS = BEGAN_MS + 46 * MINUTE_MS;
