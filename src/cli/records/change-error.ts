/** How a write that did not happen is told: what happened, what follows, and what to do. */

import { MAINTENANCE } from "../../circle.ts";
import { type Change, isDown, type Refusal } from "../../records/change.ts";
import { bothSpellings, fullRollout, type ShownRecord, writerText } from "../../records/shown.ts";
import type { Unwritten } from "../../records/write.ts";
import type { StoreFlags } from "../../settings/store-flags.ts";
import type { Store, StoreError } from "../../stores/store.ts";
import { nearest } from "../../text/nearest.ts";
import { oneLine } from "../../text/one-line.ts";
import { underWayReason, unreadableReason } from "../../verbs/beside-words.ts";
import { EMERGENCY } from "../../verbs/command-line.ts";
import { CliError } from "../exit.ts";
import { applicationHint } from "./application-hint.ts";
import { takenText } from "./change-text.ts";

/** The way out of maintenance mode without the store. */
const MAINTENANCE_BY_HAND =
  "if maintenance is on, visitors still see the maintenance page;\n" +
  "  if you cannot wait for the store, end it by hand: docs/operating.md#maintenance";

/** For a change that does not take visitors back, if the daemons may have lost the store too. */
const AS_BEFORE =
  "visitors are served as before. A daemon that cannot read the store either sends them to master after\n" +
  "  -unhealthy, except those of versions with failsafe hold";

/** The error that a change ends with if it was not written. */
export async function errorOf(
  outcome: Unwritten,
  change: Pick<Change, "application" | "version"> & Partial<Change>,
  store: Store,
  storeFlags: StoreFlags,
): Promise<CliError> {
  const what = `${change.version} of ${change.application}`;
  switch (outcome.kind) {
    case "refused":
      return outcome.refusal.code === "no-application"
        ? noApplicationError(store, change)
        : refusalError(outcome.refusal, what, change, storeFlags);
    case "conflict":
      return conflictError(outcome.current, what);
    case "read-only":
      return store.write === undefined
        ? new CliError(
            "failed",
            `${oneLine(store.address)} is read-only; nothing was written`,
            "change it at its source, or name another -store",
          )
        : new CliError(
            "failed",
            `${oneLine(store.address)} cannot remove records; nothing was removed`,
            "set the version to 0%, or remove it by the store's own tools",
          );
    case "failed":
      return new CliError(
        outcome.error.code === "unavailable" ? "unreachable" : "failed",
        oneLine(`${outcome.error.message}; ${what} is as it was`),
        wayOut(change) ?? "try again",
        { cause: outcome.error },
      );
    case "unsure":
      return new CliError(
        "unreachable",
        oneLine(`${outcome.error.message}; the answer was lost, and the change may have been written`),
        ["look with get before you try again", ...(wayOut(change)?.split("\n") ?? [])].join("\n  "),
        { cause: outcome.error },
      );
  }
}

/** The error if the store failed before anything was written: what visitors get, and the way out. */
export function unwrittenError(error: StoreError, change: Change): CliError {
  const code = error.code === "unavailable" ? "unreachable" : "failed";
  // A store that refuses this user may serve the daemons.
  const others = error.code === "denied" || error.code === "refused" ? undefined : AS_BEFORE;
  return new CliError(code, oneLine(`${error.message}; nothing was written`), wayOut(change) ?? others, {
    cause: error,
  });
}

/** The way without the store, for a change that takes visitors back or ends maintenance. */
function wayOut(change: Partial<Change>): string | undefined {
  const { version, rollout, expect } = change;
  if (version === undefined || rollout === undefined) return undefined;
  if (version === MAINTENANCE) return rollout === 0 ? MAINTENANCE_BY_HAND : undefined;
  return isDown({ version, rollout, expect }) ? EMERGENCY : undefined;
}

async function noApplicationError(
  store: Store,
  { application, rollout }: Pick<Change, "application"> & Partial<Change>,
): Promise<CliError> {
  const hint = await applicationHint(store, application);
  return new CliError(
    "failed",
    oneLine(`${store.address} has no records of ${application}${hint}; nothing was written`),
    rollout === undefined
      ? "name the right -application"
      : "name the right -application; if this is to be its first record, add -new",
  );
}

function refusalError(
  refusal: Exclude<Refusal, { readonly code: "no-application" }>,
  what: string,
  { application, version, rollout }: Pick<Change, "application" | "version"> & Partial<Change>,
  storeFlags: StoreFlags,
): CliError {
  switch (refusal.code) {
    case "no-version": {
      const { versions } = refusal;
      return new CliError(
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
      return new CliError(
        "conflict",
        oneLine(`${what} is ${now} and not ${bothSpellings(expected)}${who}`),
        "nothing was written; look at it with get, and decide again",
      );
    }
    case "still-malformed":
      return new CliError(
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
      return new CliError(
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
      return new CliError("failed", `${text}; ${what}`, remedy?.replaceAll("\n", "\n  "));
    }
    case "unreadable-release": {
      const { text, remedy } = unreadableReason({ application, version }, refusal.problem, storeFlags);
      return new CliError("failed", `${text}; nothing was written`, remedy?.replaceAll("\n", "\n  "));
    }
    case "in-use":
      return new CliError(
        "failed",
        oneLine(`${what} is at ${fullRollout(refusal.before)}; nothing was removed`),
        `take it back first: set ${oneLine(version)} ${version === MAINTENANCE ? "off" : "0%"}; or add -force`,
      );
  }
}

function conflictError(current: ShownRecord | null, what: string): CliError {
  if (current === null) {
    return new CliError(
      "conflict",
      oneLine(`another writer removed ${what} in the meantime; nothing was written`),
      "look at it with get, and decide again",
    );
  }
  const value = current.problem === undefined ? fullRollout(current) : `malformed: ${current.problem}`;
  return new CliError(
    "conflict",
    oneLine(`another writer was first: ${what} was written ${writerText(current)} and is ${value} now`),
    "nothing was written; look at it with get, and decide again",
  );
}
