/**
 * The notices of a release that an address does not have yet. Pure.
 *
 * Nothing is stored to be sent. The log of the release says what happened, the evidence says what was told,
 * and the rest is to be sent. So no notice is lost if a daemon dies between its write and its notice, and the
 * writes of commands are told too.
 */

import type { Told } from "../evidence/news.ts";
import { hasStart, loggedTransitions } from "../releases/logged.ts";
import type { Release } from "../releases/release.ts";
import { type NoticeMessage, noticeId, type Subject, transitionNotice } from "./notice.ts";

/** An older transition is news no more. */
export const NOTICE_AGE_MS_MAX = 86_400_000;

export interface Outbox {
  /** From the oldest to the newest. */
  readonly notices: readonly NoticeMessage[];
  /** Number of transitions that the log dropped for its limit before the address had their notices. */
  readonly lost: number;
}

/**
 * @param told  the evidence of this release, for all addresses
 * @param to    the mark of the address
 * @param nowMs milliseconds since 1970; a line of a clock that runs ahead counts as new
 */
export function outboxOf(subject: Subject, told: readonly Told[], to: string, nowMs: number): Outbox {
  const { key } = subject.release;
  const here = told.filter((each) => each.to === to);
  const ids = new Set(here.map((each) => noticeId(key, each)));
  const notices = loggedTransitions(subject.release)
    .filter(({ seq, atMs }) => nowMs - atMs <= NOTICE_AGE_MS_MAX && !ids.has(noticeId(key, { seq, atMs })))
    .map((logged) => transitionNotice(subject, logged));
  return { notices, lost: lostFrom(subject.release, here) };
}

/** The gap between the last notice that was told and the oldest line, if the log begins later. */
function lostFrom(release: Release, told: readonly Told[]): number {
  const [oldest] = release.log;
  if (oldest === undefined || hasStart(release)) return 0;
  const before = told.filter(({ seq, extra }) => extra === undefined && seq < oldest[0]);
  if (before.length === 0) return 0;
  return oldest[0] - Math.max(...before.map(({ seq }) => seq)) - 1;
}
