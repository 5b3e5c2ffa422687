/**
 * A notice: the message that tells people and programs about one transition of a release. Pure.
 *
 * It is made from the record alone. So each daemon that has read the record makes the same notice, with the
 * same id, also for the transition of another writer.
 */

import type { Told } from "../evidence/news.ts";
import { type LoggedNotice, type LoggedTransition, WHY_TEXTS } from "../releases/logged.ts";
import { PlanProblems, parsePlan } from "../releases/plan-parser.ts";
import type { Release } from "../releases/release.ts";
import { releaseName, stepPlace, transitionSentence } from "../releases/sentence.ts";
import { exactDurationText, rolloutText } from "../text/amounts.ts";
import { oneLine } from "../text/one-line.ts";

/** In ascending order. `critical` is for what should wake a person. */
export const SEVERITIES = ["info", "warning", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Notices about a state that lasts, and not about a transition. */
export const EXTRAS = {
  bake_over: "info",
  harm: "critical",
  nobody_leads: "critical",
  stuck: "warning",
  silent: "warning",
  sign_split: "warning",
  sign_back: "warning",
  sign_place: "warning",
  sign_crowd: "warning",
} as const satisfies Readonly<Record<string, Severity>>;
export type Extra = keyof typeof EXTRAS;

/** The last word of `type`. Standard webhooks allow letters, digits and `_` in it. */
export const TYPES = {
  started: "started",
  replaced: "started",
  advanced: "advanced",
  promoted: "promoted",
  paused: "paused",
  inconclusive: "paused",
  "foreign-change": "paused",
  "other-version": "paused",
  resumed: "resumed",
  aborted: "aborted",
  "foreign-zero": "aborted",
  finished: "finished",
  fading: "fading",
  "fade-over": "fade_over",
  "fade-stopped": "fade_stopped",
  restored: "restored",
} as const satisfies Readonly<Record<LoggedNotice, string>>;

export interface NoticeMessage {
  /** The same on each daemon, so that receivers can drop a notice that comes twice. */
  readonly id: string;
  /** The same in the evidence. */
  readonly told: Moment;
  readonly type: `release.${(typeof TYPES)[LoggedNotice] | Extra}`;
  readonly severity: Severity;
  readonly atMs: number;
  readonly application: string;
  readonly version: string;
  /** The key and the number of the release. */
  readonly key: string;
  readonly release: number;
  /** The name of the software. */
  readonly of: string;
  readonly step: number;
  /** Null if this program cannot read the plan. */
  readonly steps: number | null;
  readonly rollout: { readonly from: number; readonly to: number };
  /** `user@host`, the name of a controller, or null if the record does not say it. */
  readonly by: string | null;
  readonly why: string | null;
  /** One safe line, without author and reason. */
  readonly sentence: string;
}

/** The subject of a notice: a transition, or a state that began then. */
export type Moment = Pick<Told, "seq" | "atMs" | "extra">;

/** The release of a record, with the names that the record has in the store. */
export interface Subject {
  readonly application: string;
  readonly version: string;
  readonly release: Release;
}

/**
 * `KEY-4-1795956300000`, or `KEY-bake_over-4-1795956300000`. The time is there because a store that falls
 * back may give one `seq` to two transitions. There is no full stop in it, because the signature of standard
 * webhooks covers the id and the time of the attempt with a full stop between them.
 */
export function noticeId(key: string, { seq, atMs, extra }: Moment): string {
  return extra === undefined ? `${key}-${seq}-${atMs}` : `${key}-${extra}-${seq}-${atMs}`;
}

/** The notice of a transition that the log of the release has. */
export function transitionNotice(subject: Subject, logged: LoggedTransition): NoticeMessage {
  const { application, version, release } = subject;
  const { seq, atMs, by, why, before, after } = logged;
  return {
    ...{ id: noticeId(release.key, { seq, atMs }), told: { seq, atMs } },
    type: `release.${typeOf(logged)}`,
    ...{ severity: severityOf(logged), atMs, application, version, key: release.key },
    ...{ release: release.id, of: release.of, step: logged.release.step, steps: stepsOf(release) },
    ...{ rollout: { from: before, to: after }, by: by ?? null, why: why ?? null },
    sentence: transitionSentence({ application, version, ...logged }),
  };
}

/** The state that an extra notice is about: the present one. */
export function extraMoment({ seq, since }: Release, extra: Extra): Moment {
  return { seq, atMs: Date.parse(since), extra };
}

/** The notice of a state that began with the present `seq` of the release. */
export function extraNotice(
  { application, version, release }: Subject,
  extra: Extra,
  why: string | undefined,
  nowMs: number,
): NoticeMessage {
  const { key, id, of, step, wrote } = release;
  const told = extraMoment(release, extra);
  return {
    ...{ id: noticeId(key, told), told, type: `release.${extra}` },
    ...{
      severity: EXTRAS[extra],
      atMs: nowMs,
      application,
      version,
      key,
      release: id,
      of,
      step,
      steps: stepsOf(release),
    },
    ...{ rollout: { from: wrote[0], to: wrote[0] }, by: null, why: why ?? null },
    sentence: oneLine(extraSentence(extra, application, version, release)),
  };
}

function typeOf({ notice, release }: LoggedTransition): (typeof TYPES)[LoggedNotice] {
  return notice === "restored" && release.state === "paused" ? "paused" : TYPES[notice];
}

/** The severity of a transition. If the author of an abort is not known, it may have been the judge. */
function severityOf(logged: LoggedTransition): Severity {
  const { notice, by, why, release } = logged;
  const isByPerson = by?.includes("@") === true;
  switch (typeOf(logged)) {
    case "paused":
      return notice === "paused" && isByPerson ? "info" : "warning";
    case "aborted": {
      const isByMachine = notice === "foreign-zero" || Object.values(WHY_TEXTS).some((word) => word === why);
      return isByPerson || isByMachine ? "warning" : "critical";
    }
    case "fading":
      return release.state === "aborted" ? "warning" : "info";
    case "fade_stopped":
    case "restored":
      return "warning";
    default:
      return "info";
  }
}

function extraSentence(extra: Extra, application: string, version: string, release: Release): string {
  const stays = `${version} stays at ${rolloutText(release.wrote[0])}`;
  const name = releaseName(application, release);
  switch (extra) {
    case "bake_over":
      return `${name} was watched for ${bakeText(release)}: ${stays} until a person finishes it`;
    case "harm":
      return `${name} seems to do harm after its promotion: ${stays} until a person takes it back`;
    case "nobody_leads":
      return `${name} has no daemon that leads it: ${stays}, even if it does harm`;
    case "stuck":
      return `${name} is stuck at ${stepPlace(release)}: ${stays}`;
    case "silent":
      return `${name} hears of no visitor any more: ${stays}, and harm is not found`;
    case "sign_split":
    case "sign_back":
    case "sign_place":
    case "sign_crowd":
      return `${name} is held back by the sign ${extra.slice("sign_".length)}: ${stays} until a person clears it`;
  }
}

function bakeText({ plan }: Release): string {
  const parsed = parsePlan(plan);
  const bake = parsed instanceof PlanProblems ? undefined : parsed.steps.at(-1);
  return bake === undefined || bake.wait.minMs === 0 ? "its last step" : exactDurationText(bake.wait.minMs);
}

function stepsOf({ plan }: Release): number | null {
  const parsed = parsePlan(plan);
  return parsed instanceof PlanProblems ? null : parsed.steps.length;
}
