/** How a write that happened is told: each field that changed, and what an operator should know of it. */

import { MAINTENANCE } from "../circle.ts";
import type { Remark } from "../records/remarks.ts";
import type { Taken } from "../records/share.ts";
import { fullRollout, type ShownRecord, stateText } from "../records/shown.ts";
import { rolloutText } from "../text/amounts.ts";
import { oneLine } from "../text/one-line.ts";

/**
 * `canary of app: 5% (0.05) → 10% (0.1), offset 0.5, failsafe master → hold`: every field that a daemon acts
 * upon, if it changed or is not the usual one.
 */
export function changeText(before: ShownRecord | null, after: ShownRecord): string {
  const was = before === null ? absentText(after) : stateText(before);
  const now = fullRollout(after);
  const fields = [was === now ? now : `${was} → ${now}`];
  const [offset, failsafe] = before === null ? [0, "master"] : [before.offset, before.failsafe];
  if (offset !== after.offset) fields.push(`offset ${offset} → ${after.offset}`);
  else if (offset !== 0) fields.push(`offset ${offset}`);
  if (failsafe !== after.failsafe) fields.push(`failsafe ${failsafe} → ${after.failsafe}`);
  else if (failsafe === "hold") fields.push("failsafe hold");
  return `${after.version} of ${after.application}: ${fields.join(", ")}`;
}

/** Maintenance without a record is off, and no news. */
function absentText({ version }: ShownRecord): string {
  return version === MAINTENANCE ? "off" : "new";
}

/** A remark on a record that was written, as a sentence. */
export function remarkSentence(version: string, remark: Remark): string {
  switch (remark.kind) {
    case "inherited": {
      const flags = [
        ...(remark.failsafe === undefined ? [] : [`-failsafe ${remark.failsafe}`]),
        ...(remark.offset === undefined ? [] : [`-offset ${remark.offset}`]),
      ];
      const settings = flags.join(" and ");
      return oneLine(
        `${version} begins with ${settings} of the last release; name these flags to change them`,
      );
    }
    case "holds-below-whole":
      return oneLine(
        `${version} has -failsafe hold below 100%: if the store is lost, it stays at ${rolloutText(remark.rollout)} and ` +
          "cannot be taken back. Hold is for a version that most visitors are on already; else set -failsafe master.",
      );
    case "holds-release":
      return oneLine(
        `release ${remark.id}, which is of ${remark.of}, pauses while ${version} has visitors, because a release needs ` +
          "master alone beside it",
      );
    default:
      return oneLine(remarkText(remark));
  }
}

/** A remark in the row of its record. */
export function remarkText(remark: Remark): string {
  switch (remark.kind) {
    case "maintenance-on":
      return "MAINTENANCE IS ON";
    case "holds-below-whole":
      return "failsafe hold below 100%";
    case "inherited":
      return "begins with settings of the last release";
    case "holds-release":
      return `holds release ${remark.id} of ${remark.of}`;
    case "overlap": {
      const { taken, offset } = remark;
      const elsewhere = offset === undefined ? "" : ` (${taken.from} has its own with -offset ${offset})`;
      return `${takenText(taken)}${elsewhere}`;
    }
  }
}

/** A remark in JSON. Scripts may compare it, so it keeps the words of version 3.0. */
export function remarkJson(remark: Remark): string {
  return remark.kind === "holds-below-whole" ? "holds below 100%" : remarkText(remark);
}

/** `canary takes 10% of all visitors from blue`. */
export function takenText({ by, from, share }: Taken): string {
  return `${by} takes ${rolloutText(share)} of all visitors from ${from}`;
}
