/**
 * Facts about a record that an operator should know besides its values: overlaps, failsafe `hold` too early,
 * settings that are left from the last release. Pure. The facts are data, so that a terminal and a page can
 * each have their own words.
 */

import { type Arc, type Failsafe, MAINTENANCE } from "../circle.ts";
import type { Snapshot } from "../stores/store.ts";
import { releasesUnderWay } from "./beside-release.ts";
import type { Change } from "./change.ts";
import { arcsOf } from "./check.ts";
import { fittingOffset, type Shares, sharesOf, type Taken } from "./share.ts";

export type Remark =
  | { readonly kind: "maintenance-on" }
  /**
   * The version has failsafe `hold` while some visitors are still at master. That is usually a mistake: if
   * the store is lost, such a canary keeps its visitors, and the operator cannot take it back.
   */
  | { readonly kind: "holds-below-whole"; readonly rollout: number }
  | {
      readonly kind: "overlap";
      readonly taken: Taken;
      /**
       * An offset at which the version that loses visitors overlaps no other one, if there is such an
       * offset.
       */
      readonly offset: number | undefined;
    }
  /**
   * A rollout begins with settings that are left from the last release, because the change does not name
   * them. Undefined for a setting that has its default.
   */
  | {
      readonly kind: "inherited";
      readonly failsafe: Failsafe | undefined;
      readonly offset: number | undefined;
    }
  /** Another version has a release, which does not go on while this version has visitors. */
  | { readonly kind: "holds-release"; readonly of: string; readonly id: number };

/**
 * Remarks on one arc among the others of its application.
 *
 * @param shares the result of `sharesOf(arcs)`
 */
export function remarksOnArc(arc: Arc, arcs: readonly Arc[], shares: Shares): Remark[] {
  const { version, rollout } = arc;
  const isOn = version === MAINTENANCE && rollout > 0;
  return [
    ...(isOn ? [{ kind: "maintenance-on" } as const] : []),
    ...holdsBelowWhole(arc),
    ...shares.taken.filter(({ from }) => from === version).map((taken) => overlap(taken, arcs)),
  ];
}

/**
 * Remarks on a record after a change, whether it was written or had these values already.
 *
 * @param snapshot all records before the change
 */
export function remarksOnChange(
  change: Change,
  before: Arc | null,
  after: Arc,
  snapshot: Snapshot,
): Remark[] {
  const { version } = change;
  const arcs = [...arcsOf(snapshot).filter((arc) => arc.version !== version), after];
  return [
    ...inherited(change, before, after),
    ...holdsBelowWhole(after),
    ...heldReleases(after, snapshot),
    ...sharesOf(arcs)
      .taken.filter(({ by, from }) => by === version || from === version)
      .map((taken) => overlap(taken, arcs)),
  ];
}

function inherited(change: Change, before: Arc | null, after: Arc): Remark[] {
  const isStart =
    before !== null && before.rollout === 0 && after.rollout > 0 && after.version !== MAINTENANCE;
  if (!isStart) return [];
  const failsafe = change.failsafe === undefined && after.failsafe === "hold" ? after.failsafe : undefined;
  const offset = change.offset === undefined && after.offset !== 0 ? after.offset : undefined;
  return failsafe === undefined && offset === undefined ? [] : [{ kind: "inherited", failsafe, offset }];
}

/** A promoted release needs no master beside it any more. */
function heldReleases({ version, rollout }: Arc, snapshot: Snapshot): Remark[] {
  if (rollout === 0 || version === MAINTENANCE) return [];
  return [...releasesUnderWay(snapshot)].flatMap(([of, { id, state }]) =>
    of === version || state === "promoted" ? [] : [{ kind: "holds-release", of, id } as const],
  );
}

function holdsBelowWhole({ version, rollout, failsafe }: Arc): Remark[] {
  const holds = failsafe === "hold" && version !== MAINTENANCE && rollout > 0 && rollout < 1;
  return holds ? [{ kind: "holds-below-whole", rollout }] : [];
}

function overlap(taken: Taken, arcs: readonly Arc[]): Remark {
  const loser = arcs.find(({ version }) => version === taken.from);
  return { kind: "overlap", taken, offset: loser && fittingOffset(loser, arcs) };
}
