/**
 * The words for a change that was not written: what happened, what follows, and what to do. Pure. A command
 * and the page have them from here.
 */

import { MAINTENANCE } from "../circle.ts";
import { type Change, isDown, type Refusal } from "../records/change.ts";
import { bothSpellings, fullRollout, type ShownRecord, writerText } from "../records/shown.ts";
import type { Unwritten } from "../records/write.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import type { Store, StoreError } from "../stores/store.ts";
import { nearest } from "../text/nearest.ts";
import { oneLine } from "../text/one-line.ts";
import { underWayReason, unreadableReason } from "./beside-words.ts";
import { takenText } from "./change-text.ts";
import { EMERGENCY } from "./command-line.ts";
import { readOnlyWords, type Words } from "./words.ts";

/** The way out of maintenance mode without the store. */
const MAINTENANCE_BY_HAND =
  "if maintenance is on, visitors still see the maintenance page;\n" +
  "if you cannot wait for the store, end it by hand: docs/operating.md#maintenance";

/** For a change that does not take visitors back, if the daemons may have lost the store too. */
const AS_BEFORE =
  "visitors are served as before. A daemon that cannot read the store either sends them to master after\n" +
  "-unhealthy, except those of versions with failsafe hold";

/** A change of a rollout, or the removal of a record, which has no rollout. */
export type Changing = Pick<Change, "application" | "version"> & Partial<Change>;

export interface ChangeWhere {
  readonly store: Pick<Store, "address" | "write">;
  /** For the commands that a person can paste. */
  readonly storeFlags: StoreFlags;
  /** Applications that may be meant, if the store has no records of this one; empty for none. */
  readonly hint?: string;
}

/** The words for a change that was not written. */
export function unwrittenChangeWords(
  outcome: Unwritten,
  change: Changing,
  { store, storeFlags, hint = "" }: ChangeWhere,
): Words {
  const what = `${change.version} of ${change.application}`;
  switch (outcome.kind) {
    case "refused":
      return outcome.refusal.code === "no-application"
        ? noApplicationWords(store.address, change, hint)
        : refusalWords(outcome.refusal, what, change, storeFlags);
    case "conflict":
      return conflictWords(outcome.current, what);
    case "read-only":
      return store.write === undefined
        ? readOnlyWords(store.address)
        : {
            exit: "failed",
            text: `${oneLine(store.address)} cannot remove records; nothing was removed`,
            remedy: "set the version to 0%, or remove it by the store's own tools",
          };
    case "failed":
      return {
        exit: exitOf(outcome.error),
        text: oneLine(`${outcome.error.message}; ${what} is as it was`),
        remedy: wayOut(change) ?? "try again",
      };
    case "unsure":
      return {
        exit: "unreachable",
        text: oneLine(`${outcome.error.message}; the answer was lost, and the change may have been written`),
        remedy: ["look with get before you try again", wayOut(change) ?? []].flat().join("\n"),
      };
  }
}

/** The words if the store failed before anything was written: what visitors get, and the way out. */
export function failedChangeWords(error: StoreError, change: Change): Words {
  const remedy = remedyOf(error, change);
  return {
    exit: exitOf(error),
    text: oneLine(`${error.message}; nothing was written`),
    ...(remedy === undefined ? {} : { remedy }),
  };
}

function remedyOf({ code }: StoreError, change: Change): string | undefined {
  const out = wayOut(change);
  // The message says how to make the store. A new store serves no visitor yet.
  if (code === "missing" && change.isNew) {
    return ["when the store is there, repeat this command", out ?? []].flat().join("\n");
  }
  // A store that refuses this user may serve the daemons.
  return out ?? (code === "denied" || code === "refused" ? undefined : AS_BEFORE);
}

function exitOf({ code }: StoreError): "unreachable" | "failed" {
  return code === "unavailable" ? "unreachable" : "failed";
}

/** The way without the store, for a change that takes visitors back or ends maintenance. */
function wayOut(change: Partial<Change>): string | undefined {
  const { version, rollout, expect } = change;
  if (version === undefined || rollout === undefined) return undefined;
  if (version === MAINTENANCE) return rollout === 0 ? MAINTENANCE_BY_HAND : undefined;
  return isDown({ version, rollout, expect }) ? EMERGENCY : undefined;
}

function noApplicationWords(address: string, { application, rollout }: Changing, hint: string): Words {
  return words(
    "failed",
    oneLine(`${address} has no records of ${application}${hint}; nothing was written`),
    rollout === undefined
      ? "name the right -application"
      : "name the right -application; if this is to be its first record, add -new",
  );
}

function refusalWords(
  refusal: Exclude<Refusal, { readonly code: "no-application" }>,
  what: string,
  { application, version, rollout }: Changing,
  storeFlags: StoreFlags,
): Words {
  switch (refusal.code) {
    case "no-version": {
      const { versions } = refusal;
      return words(
        "failed",
        oneLine(
          `${application} has no version ${version}${nearest(version, versions) || "; it has"} ` +
            `${nearest(version, versions) === "" ? versions.join(", ") : `(it has ${versions.join(", ")})`}; nothing was written`,
        ),
        // A removal has no rollout, and `remove` has no -new.
        rollout === undefined
          ? "name a version that is there"
          : "name a version that is there; if this is to be a new one, add -new",
      );
    }
    case "unexpected": {
      const { before, expected } = refusal;
      const now = before === null ? "not there" : fullRollout(before);
      const who = before === null ? "" : `, written ${writerText(before)}`;
      return words(
        "conflict",
        oneLine(`${what} is ${now} and not ${bothSpellings(expected)}${who}`),
        "nothing was written; look at it with get, and decide again",
      );
    }
    case "still-malformed":
      return words(
        "failed",
        oneLine(`the record would still be malformed: ${refusal.problem}`),
        "nothing was written; name -offset and -failsafe as well",
      );
    case "overlap": {
      const { taken, offset, hasVisitors } = refusal;
      const elsewhere =
        offset === undefined
          ? "no offset has room for both: make one of them smaller"
          : `give it visitors of its own with -offset ${offset}${hasVisitors ? " (those it has now change)" : ""}`;
      return words(
        "failed",
        oneLine(`${taken.map(takenText).join(", and ")}; nothing was written`),
        `${elsewhere}, or add -overlap if this is meant`,
      );
    }
    case "under-way": {
      const { before, release, asked } = refusal;
      const target = { application, version };
      const { text, remedy } = underWayReason(target, before.rollout, release, asked, storeFlags);
      const what = asked === "remove" ? "nothing was removed" : "nothing was written";
      return words("failed", `${text}; ${what}`, remedy);
    }
    case "unreadable-release": {
      const { text, remedy } = unreadableReason({ application, version }, refusal.problem, storeFlags);
      return words("failed", `${text}; nothing was written`, remedy);
    }
    case "in-use":
      return words(
        "failed",
        oneLine(`${what} is at ${fullRollout(refusal.before)}; nothing was removed`),
        `take it back first: set ${oneLine(version)} ${version === MAINTENANCE ? "off" : "0%"}; or add -force`,
      );
  }
}

function conflictWords(current: ShownRecord | null, what: string): Words {
  if (current === null) {
    return words(
      "conflict",
      oneLine(`another writer removed ${what} in the meantime; nothing was written`),
      "look at it with get, and decide again",
    );
  }
  const value = current.problem === undefined ? fullRollout(current) : `malformed: ${current.problem}`;
  return words(
    "conflict",
    oneLine(`another writer was first: ${what} was written ${writerText(current)} and is ${value} now`),
    "nothing was written; look at it with get, and decide again",
  );
}

function words(exit: Words["exit"], text: string, remedy: string | undefined): Words {
  return remedy === undefined ? { exit, text } : { exit, text, remedy };
}
