/** Releases as a person sees them, at a moment of the test. */

import { Crew } from "../../../../src/evidence/crew.ts";
import type { News } from "../../../../src/evidence/news.ts";
import { ReleaseEvidence } from "../../../../src/evidence/release-evidence.ts";
import { emptyOutcome } from "../../../../src/intake/outcome.ts";
import type { Sign } from "../../../../src/judge/signs.ts";
import type { Release } from "../../../../src/releases/release.ts";
import { releaseField } from "../../../../src/releases/release-field.ts";
import type { Freeze } from "../../../../src/verbs/freeze.ts";
import type { Observation, SeenClock } from "../../../../src/verbs/observer.ts";
import { type Progress, progressOf } from "../../../../src/verbs/progress.ts";
import { BEGAN_MS, releaseOf } from "../../../releases/world.ts";
import { snapshotOf } from "../../../support/scripted-store.ts";

const MINUTE_MS = 60_000;

export const PLAN = "1%:10m,5%:30m+ok,25%:1h+ok,50%:1h+ok,100%:1d";

export interface Scene {
  /** Changes of the release, which runs in its second step since 12:00:00. */
  readonly release?: Partial<Release>;
  /** More fields of the record, such as the rollout that a person wrote. */
  readonly record?: Readonly<Record<string, unknown>>;
  readonly others?: Readonly<Record<string, unknown>>;
  readonly freeze?: Freeze;
  /** The names of the daemons that were heard just now; undefined if the store does not show them. */
  readonly clock?: SeenClock;
  readonly leaders?: readonly string[] | undefined;
  readonly news?: readonly News[];
  /** The evidence is of these visitors; undefined if the store does not show it. */
  readonly traffic?: Traffic;
  /** Since the beginning of the step. */
  readonly minutes?: number;
}

/** Visitors of the present step, evenly over the circle and the step. */
export interface Traffic {
  readonly visitors: number;
  /** One visitor in this number meets an error. */
  readonly oneIn?: number;
  /** This number of the canary's first visitors meets an error too. */
  readonly canaryFails?: number;
  readonly signs?: readonly Sign[];
  /** The name of a daemon whose memory is short. */
  readonly shortAt?: string;
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** The evidence of a daemon that heard of them. */
function evidenceOf(release: Release, traffic: Traffic, minutes: number): ReleaseEvidence {
  const { visitors, oneIn = Number.POSITIVE_INFINITY, canaryFails = 0, signs = [], shortAt } = traffic;
  const evidence = new ReleaseEvidence({ release, from: "test" });
  // After the end of a release, its visitors are those of the last step with two versions.
  const compared = release.arcs.findLast(([, rollout]) => rollout > 0 && rollout < 1);
  const [share, offset] = compared === undefined ? release.wrote : [compared[1], compared[2]];
  let failing = canaryFails;
  for (let visitor = 0; visitor < visitors; visitor++) {
    const assignment = (visitor * GOLDEN) % 1;
    const isCanary = assignment >= offset && assignment < offset + share;
    const isBad = visitor % oneIn === oneIn - 1 || (isCanary && failing-- > 0);
    const outcome = {
      ...{ ...emptyOutcome(), application: "website", location: isCanary ? "canary" : "master", assignment },
      ...{ status: isBad ? 500 : 200, isBrought: true, durationMs: 20 },
    };
    const lengthMs = minutes * MINUTE_MS - 11_000;
    evidence.takeDecided(outcome, BEGAN_MS + 11_000 + (visitor / visitors) * lengthMs);
  }
  for (const sign of signs) evidence.raise(sign, BEGAN_MS + MINUTE_MS);
  if (shortAt !== undefined) {
    const heard = { outcomes: 9, lastMs: BEGAN_MS + MINUTE_MS, isQuiet: false, isShort: true };
    evidence.hear([{ kind: "reporter", from: "f", name: shortAt, ...heard }]);
  }
  return evidence;
}

export function shownAt(scene: Scene = {}): Progress {
  const { record = {}, others = {}, news = [], minutes = 18, traffic } = scene;
  const nowMs = BEGAN_MS + minutes * MINUTE_MS;
  const leaders = "leaders" in scene ? scene.leaders : ["web-1", "web-2"];
  const release = releaseOf({ plan: PLAN, ...scene.release });
  const [rollout, offset] = release.wrote;
  const canary = { rollout, offset, release: releaseField(release), ...record };
  const moment = { monotonicMs: 1_000_000, nowMs };
  const crew = new Crew();
  const present = (leaders ?? []).map(
    (name): News => ({ kind: "presence", name, beat: 1, atMs: nowMs, seq: 4 }),
  );
  crew.hear([...present, ...news], moment, true);
  const seen: Observation = {
    ...{ application: "website", snapshot: snapshotOf({ canary, ...others }), releases: [], moment },
    clock: scene.clock ?? "store",
    freeze: scene.freeze ?? { isFrozen: false, by: undefined, at: undefined, why: undefined },
    evidenceOf: () => traffic && evidenceOf(release, traffic, minutes),
    crewOf: () => (leaders === undefined ? undefined : crew),
  };
  return progressOf(seen, { version: "canary", release }, moment);
}
