/**
 * How far a release is, as a person at a distance sees it: from an observation, without any daemon. Pure.
 *
 * The evidence in the store has the judge's word. Only a controller knows whether a check passes, and how
 * long it has watched itself. These stay unknown here. The time is by the store's clock, so a controller may
 * wait longer.
 */

import { Problem } from "../config/option.ts";
import { type Judged, judgedOf } from "../evidence/judged.ts";
import type { Overridden } from "../evidence/news.ts";
import type { ReleaseEvidence } from "../evidence/release-evidence.ts";
import { weigh } from "../evidence/weigh.ts";
import { type Condition, type DueFacts, waitingFor } from "../releases/due.ts";
import { asSettled, type Foreign, foreignIn } from "../releases/foreign.ts";
import type { Plan } from "../releases/plan.ts";
import { goesOn, isUnderWay, type Release } from "../releases/release.ts";
import { WATCH_MS_MAX, type Watch } from "../releases/watch.ts";
import { isOpen, nextOpening, parseWindow, type Window } from "../releases/windows.ts";
import type { Freeze } from "./freeze.ts";
import { nowIn, type Target } from "./look.ts";
import type { Found, Observation, SeenClock } from "./observer.ts";

export interface Progress {
  readonly target: Target;
  /** As another writer's change leaves it, also if no controller has seen that change yet. */
  readonly release: Release;
  /** Undefined if this program cannot read it. */
  readonly plan: Plan | undefined;
  /** The record's, which a person may have written. */
  readonly rollout: number;
  /** Another writer's change of a release under way that no controller has seen yet. */
  readonly foreign: Foreign;
  /** Another version that has visitors or a release too. */
  readonly otherVersion: string | undefined;
  readonly isMalformed: boolean;
  /** By the store's clock. */
  readonly nowMs: number;
  /** Since the release has its present state. */
  readonly passedMs: number;
  /** All that must be true in the present step, in the order of the plan. */
  readonly conditions: readonly Condition[];
  /** The conditions that are not yet true. */
  readonly waits: readonly Condition[];
  /** When a window opens next; undefined if the release has none, or one is open. */
  readonly opensAtMs: number | undefined;
  /** Undefined if it could not be read. */
  readonly freeze: Freeze | undefined;
  /** The last words of the checks, by name, if a controller tells them. */
  readonly told?: ReadonlyMap<string, string>;
  readonly crew: SeenCrew | undefined;
  /** Undefined if the evidence cannot be seen, or the release is over. */
  readonly judged: Judged | undefined;
  /**
   * If the release is not under way any more, the figures at the end of the last step in which two versions
   * had visitors. Undefined if the evidence cannot be seen, or there was no such step.
   */
  readonly judgedAtEnd: Judged | undefined;
}

/** The daemons that lead. Undefined in a `Progress` if they cannot be seen, or the release is over. */
export interface SeenCrew {
  readonly leaders: readonly string[];
  /** The daemons that would lead it if the store took their writes. */
  readonly unable: readonly string[];
  /** The daemon that was heard last. */
  readonly last: { readonly name: string; readonly agoMs: number } | undefined;
  readonly overrides: readonly Overridden[];
}

/** @param moment when it is seen, which may be later than the observation */
export function progressOf(
  { application, snapshot, clock, freeze, crewOf, evidenceOf }: Observation,
  { version, release: stored }: Found,
  { nowMs, monotonicMs }: Observation["moment"],
): Progress {
  const now = nowIn(snapshot, version);
  const release = asSettled(now, stored);
  const passedMs = Math.max(0, nowMs - Date.parse(release.since));
  const windows = windowsOf(release);
  const isAnyOpen = clock === "unknown" ? undefined : windows?.some((window) => isOpen(window, nowMs));
  const crew = goesOn(release) ? crewOf(release.key) : undefined;
  const evidence = evidenceOf(release.key);
  const isJudged = isUnderWay(release);
  const judged = isJudged ? judgedIn(evidence, release, now.plan, evidenceNowMs(release, nowMs)) : undefined;
  const isFrozen = freeze?.isFrozen === true;
  const facts = factsOf({ release, nowMs, passedMs, isOpen: isAnyOpen, isFrozen, judged });
  const conditions = waitingFor(release, now.plan, facts).map((condition) =>
    asKnown(condition, release, clock),
  );
  return {
    ...{ target: { application, version }, release, plan: now.plan, rollout: now.rollout },
    ...{
      foreign: isUnderWay(stored) ? foreignIn(now, stored) : "none",
      otherVersion: now.otherVersion,
      isMalformed: now.isMalformed,
    },
    ...{ nowMs, passedMs, freeze, judged },
    judgedAtEnd: isJudged ? undefined : judgedAtEnd(evidence, release, now.plan),
    conditions,
    waits: conditions.filter(({ state }) => state !== "met"),
    opensAtMs: windows === undefined || isAnyOpen === true ? undefined : nextOpening(windows, nowMs),
    crew: crew && {
      leaders: crew.leaders(monotonicMs),
      unable: crew.unable(monotonicMs),
      last: crew.last(monotonicMs),
      overrides: crew.overrides(),
    },
  };
}

/**
 * The time at which evidence is looked at. If the store has no clock, this machine's clock may be behind by
 * hours. But the last arc of the record has begun.
 */
export function evidenceNowMs({ arcs }: Pick<Release, "arcs">, nowMs: number): number {
  return Math.max(nowMs, arcs.at(-1)?.[0] ?? nowMs);
}

function judgedAtEnd(
  evidence: ReleaseEvidence | undefined,
  release: Release,
  plan: Plan | undefined,
): Judged | undefined {
  const compared = release.arcs.findLastIndex(([, rollout]) => rollout > 0 && rollout < 1);
  const endMs = release.arcs[compared + 1]?.[0];
  return compared < 0 || endMs === undefined ? undefined : judgedIn(evidence, release, plan, endMs - 1);
}

/** The judge's word on the step of this moment. A controller has the same if it has read the same. */
function judgedIn(
  evidence: ReleaseEvidence | undefined,
  release: Release,
  plan: Plan | undefined,
  nowMs: number,
): Judged | undefined {
  const figures = evidence?.figures(nowMs);
  if (evidence === undefined || figures === undefined) return undefined;
  const raised = [...evidence.signs.keys()];
  const signs = raised.filter((sign) => !(release.cleared ?? []).some(([name]) => name === sign));
  const rolloutNext = plan?.steps[release.step]?.rollout ?? 1;
  const verdict = weigh(figures, { signs, isAborted: false, rolloutNext });
  return judgedOf({ figures, verdict, release, rolloutNext, raised });
}

/** The windows of a release; undefined if it has none, or this program cannot read one of them. */
function windowsOf({ windows }: Release): readonly Window[] | undefined {
  const sound = (windows ?? []).map(parseWindow).flatMap((read) => (read instanceof Problem ? [] : [read]));
  return sound.length === windows?.length ? sound : undefined;
}

/**
 * Without the store's clock, each controller counts the time for which it has watched itself. So a person at
 * a distance cannot know that it is over.
 */
function asKnown(condition: Condition, { state }: Release, clock: SeenClock): Condition {
  const isGuess = condition.kind === "time" && condition.state === "met" && state === "running";
  return isGuess && clock !== "store" ? { ...condition, state: "unknown" } : condition;
}

function factsOf(known: {
  readonly release: Release;
  readonly nowMs: number;
  readonly passedMs: number;
  readonly isOpen: boolean | undefined;
  readonly isFrozen: boolean;
  readonly judged: Judged | undefined;
}): DueFacts {
  const { release, nowMs, passedMs, isOpen, isFrozen, judged } = known;
  const look = { monotonicMs: 0, storeMs: nowMs };
  const watch: Watch = {
    ...{ key: release.key, seq: release.seq, tx: release.tx, first: look, last: look, isWhole: false },
    watchedMs: Math.min(passedMs, WATCH_MS_MAX),
  };
  return {
    ...{ watch, isOpen, isFrozen, checks: new Map() },
    ok: judged === undefined || judged.kind === "abort" ? undefined : judged.kind,
    signs: judged?.signs.map(({ name }) => name) ?? [],
    evidenceAgeMs: judged && 0,
  };
}
