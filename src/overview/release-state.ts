/**
 * The releases and the controller of a daemon as `/state` shows them. It is plain JSON, and programs rely on
 * it: fields are only added. Pure.
 */

import type { ControllerView, LedView } from "../controller/view.ts";
import type { Judged } from "../evidence/judged.ts";
import { type ConditionDocument, conditionDocument } from "../releases/condition-document.ts";
import type { Foreign } from "../releases/foreign.ts";
import type { State } from "../releases/release.ts";
import { timeText } from "../releases/release.ts";
import type { Override } from "../saved/override-file.ts";
import type { KnownRelease } from "./overview.ts";

export interface ReleaseState {
  readonly version: string;
  /** Counts the releases of the application, for people. */
  readonly id: number;
  readonly key: string;
  readonly seq: number;
  /** The name of the software that is released. */
  readonly of: string;
  readonly state: State;
  readonly step: number;
  /** Null if this daemon cannot read the plan. */
  readonly steps: number | null;
  /** The record's; a daemon with an override has another one. */
  readonly rollout: number;
  /** The time of the last change, by the store's clock. */
  readonly since: string;
  /** The author of the record. */
  readonly by: string | null;
  readonly reason: string | null;
  /** Whether its rollout goes down slowly now. */
  readonly fading: boolean;
  /** Another writer's change that no controller has answered yet. */
  readonly foreign: Foreign;
  /** Another version with visitors or a release, beside which it cannot go on. */
  readonly otherVersion: string | null;
  /** This daemon has taken the visitors back, and the record does not say so yet. */
  readonly override: { readonly reason: string; readonly at: string } | null;
  /** The knowledge of this daemon's controller; null without one, or if the release is over. */
  readonly lead: LeadState | null;
}

export interface LeadState {
  /** The names of the daemons that lead it, sorted. */
  readonly ledBy: readonly string[];
  /** The names of other daemons whose writes the store refuses, sorted. An older daemon leaves it out. */
  readonly unable?: readonly string[];
  /** Whether no daemon has led it for long. */
  readonly nobodyLeads: boolean;
  /** Why this daemon cannot go on with it; null if it can. */
  readonly problem: string | null;
  /** All conditions of the next step, also those that are met. Empty until the daemon watches. */
  readonly waits: readonly ConditionDocument[];
  /** The last words of the checks for which it waits. */
  readonly checks: readonly {
    readonly name: string;
    readonly kind: string;
    readonly sentence: string;
    readonly ageMs: number | null;
  }[];
  /** The judge's figures and sentences; null if it has none. An older daemon leaves it out. */
  readonly judge?: Judged | null;
  /** Other daemons that have taken the visitors back before the record says so. */
  readonly overriddenBy: readonly string[];
}

/** A daemon with `-releases on`. */
export interface ControllerState {
  readonly name: string;
  /** Why this daemon leads nothing at all; null if it can. */
  readonly problem: string | null;
  /** Releases that it leads now. */
  readonly releases: number;
  /** Steps that it went forward, releases that it took back, and attempts that failed, since its start. */
  readonly advances: number;
  readonly aborts: number;
  readonly failures: number;
  /** Null if it was not read yet. */
  readonly freeze: {
    readonly frozen: boolean;
    readonly by: string | null;
    readonly at: string | null;
    readonly why: string | null;
  } | null;
  /** The store's clock less this machine's; null if the store has none, or was not asked yet. */
  readonly storeClockAheadMs: number | null;
  /** All that this daemon has taken back before the record says so, also of releases that are gone. */
  readonly overrides: readonly {
    readonly application: string;
    readonly version: string;
    readonly reason: string;
    readonly at: string;
  }[];
}

export function controllerState(view: ControllerView): ControllerState {
  const { name, problem, releases, counts, freeze, storeClockAheadMs, overrides } = view;
  const { advances, aborts, failures } = counts;
  return {
    ...{ name, problem: problem ?? null, releases: releases.length, advances, aborts, failures },
    freeze:
      freeze === undefined
        ? null
        : {
            ...{ frozen: freeze.isFrozen, by: freeze.by ?? null },
            ...{ at: freeze.at ?? null, why: freeze.why ?? null },
          },
    storeClockAheadMs: storeClockAheadMs === undefined ? null : Math.round(storeClockAheadMs),
    overrides: overrides.map(({ application, version, reason, atMs }) => ({
      ...{ application, version, reason, at: timeText(atMs) },
    })),
  };
}

/** The knowledge of a controller by the keys of its releases. */
export interface Leading {
  readonly leds: ReadonlyMap<string, LedView>;
  readonly overrides: ReadonlyMap<string, Override>;
}

/** @param view undefined without a controller */
export function leadingOf(view: ControllerView | undefined): Leading {
  return {
    leds: new Map(view?.releases.map((led) => [led.release.key, led])),
    overrides: new Map(view?.overrides.map((override) => [override.key, override])),
  };
}

export function releaseState(known: KnownRelease, { leds, overrides }: Leading): ReleaseState {
  const { version, id, key, seq, of, state, step, steps, rollout, since, foreign } = known;
  const led = leds.get(key);
  const override = overrides.get(key);
  return {
    ...{ version, id, key, seq, of, state, step, steps: steps ?? null, rollout, since },
    ...{ by: known.by ?? null, reason: known.reason ?? null, fading: known.isFading, foreign },
    otherVersion: known.otherVersion ?? null,
    override: override === undefined ? null : { reason: override.reason, at: timeText(override.atMs) },
    lead: led === undefined ? null : leadState(led),
  };
}

function leadState({
  ledBy,
  unable,
  isUnled,
  problem,
  waits,
  checks,
  judged,
  overriddenBy,
}: LedView): LeadState {
  return {
    ...{ ledBy, unable, nobodyLeads: isUnled, problem: problem ?? null, overriddenBy },
    waits: waits.map(conditionDocument),
    judge: judged ?? null,
    checks: checks.map(({ name, kind, sentence, ageMs }) => ({
      ...{ name, kind, sentence, ageMs: ageMs === undefined ? null : Math.round(ageMs) },
    })),
  };
}
