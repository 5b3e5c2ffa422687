/** How a write that happened is told: each field that changed, and what an operator should know of it. */

import { type Arc, MAINTENANCE } from "../../circle.ts";
import { rolloutText } from "../../config/values.ts";
import { arcsOf, type Change } from "../../records/change.ts";
import { isHoldingPart, type ShownRecord } from "../../records/fields.ts";
import { fittingOffset, sharesOf, type Taken } from "../../records/share.ts";
import type { Snapshot } from "../../stores/store.ts";
import { oneLine } from "../../text.ts";
import { rolloutOf } from "./rollouts.ts";

/**
 * `canary of app: 5% (0.05) → 10% (0.1), offset 0.5, failsafe master → hold`: every field that a daemon acts upon, if it
 * changed or is not the usual one.
 */
export function changeText(before: ShownRecord | null, after: ShownRecord): string {
  const was = before === null ? absentText(after) : stateText(before);
  const now = rolloutOf(after);
  const fields = [was === now ? now : `${was} → ${now}`];
  const [offset, failsafe] = before === null ? [0, "master"] : [before.offset, before.failsafe];
  if (offset !== after.offset) fields.push(`offset ${offset} → ${after.offset}`);
  else if (offset !== 0) fields.push(`offset ${offset}`);
  if (failsafe !== after.failsafe) fields.push(`failsafe ${failsafe} → ${after.failsafe}`);
  else if (failsafe === "hold") fields.push("failsafe hold");
  return `${after.version} of ${after.application}: ${fields.join(", ")}`;
}

function stateText(record: ShownRecord): string {
  return record.problem === undefined ? rolloutOf(record) : "malformed";
}

/** Maintenance without a record is off, and no news. */
function absentText({ version }: ShownRecord): string {
  return version === MAINTENANCE ? "off" : "new";
}

/** What an operator should know of a record that is written or there already. */
export function remarksOn(
  { version, failsafe, offset }: Change,
  before: ShownRecord | null,
  after: ShownRecord,
  snapshot: Snapshot,
): string[] {
  const remarks: string[] = [];
  const isStart = before !== null && before.rollout === 0 && after.rollout > 0 && version !== MAINTENANCE;
  const kept = [
    ...(isStart && failsafe === undefined && after.failsafe === "hold" ? ["-failsafe hold"] : []),
    ...(isStart && offset === undefined && after.offset !== 0 ? [`-offset ${after.offset}`] : []),
  ];
  if (kept.length > 0) {
    remarks.push(
      `${version} begins with ${kept.join(" and ")} of the last release; name them to change them`,
    );
  }
  if (isHoldingPart(after)) {
    remarks.push(
      `${version} holds below 100%: if the store is lost, it stays at ${rolloutText(after.rollout)} and cannot be taken ` +
        "back; hold is for a version that most visitors are on already, else write -failsafe master",
    );
  }
  const arcs = [...arcsOf(snapshot).filter((arc) => arc.version !== version), after];
  for (const each of sharesOf(arcs).taken) {
    if (each.by === version || each.from === version) remarks.push(overlapText(each, arcs));
  }
  return remarks.map(oneLine);
}

/** `canary takes 10% of all visitors from blue`. */
export function takenText({ by, from, share }: Taken): string {
  return `${by} takes ${rolloutText(share)} of all visitors from ${from}`;
}

/** The same, and how it ends: an offset at which the loser has its visitors for itself, if there is one. */
export function overlapText(taken: Taken, arcs: readonly Arc[]): string {
  const loser = arcs.find(({ version }) => version === taken.from);
  const offset = loser === undefined ? undefined : fittingOffset(loser, arcs);
  return `${takenText(taken)}${offset === undefined ? "" : ` (${taken.from} has its own with -offset ${offset})`}`;
}
