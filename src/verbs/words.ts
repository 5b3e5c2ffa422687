/**
 * The words for the outcome of a verb, for a terminal and for a page: what happened, how it ended, and what
 * to do. Pure. `reasons.ts` has the words for each reason why nothing was written.
 */

import { fieldsOf } from "../records/fields.ts";
import { type ShownRecord, shownRecord, writerText } from "../records/shown.ts";
import type { Request } from "../releases/request.ts";
import { transitionSentence } from "../releases/sentence.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import type { StoreError } from "../stores/store.ts";
import { rolloutText } from "../text/amounts.ts";
import { oneLine } from "../text/one-line.ts";
import { lowers, type VerbOutcome } from "./carry-out.ts";
import { commandLine, EMERGENCY } from "./command-line.ts";
import type { Target } from "./look.ts";
import { MISUSED, NO_OPS, REFUSED } from "./reasons.ts";

export interface Words {
  /** The name of the command's exit status. */
  readonly exit: "ok" | "failed" | "unreachable" | "conflict";
  /** One line without a full stop at its end. */
  readonly text: string;
  /** The advice, of one line or more. */
  readonly remedy?: string;
}

/** The subject of the words. */
export interface About {
  readonly target: Target;
  readonly request: Request;
  /** The store's address without secrets. */
  readonly address: string;
  /** For the commands that a person can paste. */
  readonly storeFlags: StoreFlags;
  /** The result of `skippedText`, for a promotion. */
  readonly skipped?: string;
}

export function wordsOf(outcome: VerbOutcome, about: About): Words {
  const { request, storeFlags } = about;
  switch (outcome.kind) {
    case "written":
      return writtenWords(outcome, about);
    case "unchanged":
      return { exit: "ok", ...safe(NO_OPS[outcome.code]({ ...outcome, request, storeFlags, facts: {} })) };
    case "refused": {
      const { exit, says } = REFUSED[outcome.code];
      return { exit, ...safe(says({ ...outcome, request, storeFlags }), "nothing was written") };
    }
    case "misused":
      return {
        exit: "failed",
        ...safe(MISUSED[outcome.code]({ ...outcome, request, storeFlags, facts: {} }), "nothing was written"),
      };
    case "conflict":
      return conflictWords(outcome, about);
    case "read-only":
      return readOnlyWords(about.address);
    case "failed":
    case "unsure":
      return failedWords(outcome, about);
  }
}

export function readOnlyWords(address: string): Words {
  return {
    exit: "failed",
    text: oneLine(`${address} is read-only; nothing was written`),
    remedy: "change it at its source, or name another -store",
  };
}

/** The words if the store failed before anything was written. */
export function unwrittenWords(error: StoreError, request: Pick<Request, "verb">): Words {
  return {
    exit: exitOf(error),
    text: oneLine(`${error.message}; nothing was written`),
    ...(isWayBack(request) ? { remedy: EMERGENCY } : {}),
  };
}

type Outcome<Kind extends VerbOutcome["kind"]> = Extract<VerbOutcome, { readonly kind: Kind }>;

function writtenWords(outcome: Outcome<"written">, { target, skipped, storeFlags }: About): Words {
  const { looked, release, notice, rollout, conflicts, isBare } = outcome;
  const before = looked.now.rollout;
  const { application, version } = target;
  const sentence =
    release === null
      ? `${version} of ${application}: ${rolloutText(before)} → ${rolloutText(rollout)}; its release cannot be read, and stays`
      : transitionSentence({
          ...{ application, version, notice, release, before, after: rollout },
          ...(skipped === undefined ? {} : { skipped }),
        });
  const again = conflicts === 0 ? "" : `, after ${conflicts} other ${conflicts === 1 ? "write" : "writes"}`;
  const lost = isBare ? "; the record had no room for the log of the release" : "";
  const text = oneLine(`${sentence}${again}${lost}`);
  if (notice !== "promoted" || release === null) return { exit: "ok", text };
  const next = commandLine(storeFlags, application, "finish", "-deployed", release.of);
  return { exit: "ok", text, remedy: `when master's servers run ${oneLine(release.of)} too: ${next}` };
}

function conflictWords({ looked, current }: Outcome<"conflict">, { target, storeFlags }: About): Words {
  const { application, version } = target;
  const remedy = `look at it with ${commandLine(storeFlags, application, "release")}, and decide again`;
  const what = `${version} of ${application}`;
  if (current === undefined) {
    return {
      exit: "conflict",
      text: oneLine(`another writer removed ${what} in the meantime; nothing was written`),
      remedy,
    };
  }
  const shown = shownRecord(application, version, current);
  return {
    exit: "conflict",
    text: oneLine(
      `another writer was first: ${what} was written ${whoText(shown, looked.record?.value)} and is at ` +
        `${rolloutText(shown.rollout)} now; nothing was written`,
    ),
    remedy,
  };
}

/** The author of the other write; a program that leaves no name leaves the one before in the record. */
function whoText(shown: ShownRecord, before: unknown): string {
  return shown.updatedAt === fieldsOf(before)["updatedAt"] ? "by an unknown writer" : writerText(shown);
}

function failedWords(
  { kind, error }: Outcome<"failed" | "unsure">,
  { target: { application, version }, request, storeFlags }: About,
): Words {
  const look = `look with ${commandLine(storeFlags, application, "release")} before you try again`;
  const out = isWayBack(request) ? [EMERGENCY] : [];
  return kind === "failed"
    ? {
        exit: exitOf(error),
        text: oneLine(`${error.message}; ${version} of ${application} is as it was`),
        remedy: out[0] ?? "try again",
      }
    : {
        exit: "unreachable",
        text: oneLine(`${error.message}; the answer was lost, and the change may have been written`),
        remedy: [look, ...out].join("\n"),
      };
}

function exitOf({ code }: StoreError): "unreachable" | "failed" {
  return code === "unavailable" ? "unreachable" : "failed";
}

/** Whether the verb takes visitors back to master. A pause does not. */
function isWayBack(request: Pick<Request, "verb">): boolean {
  return lowers(request) && request.verb !== "pause";
}

/** A text of the tables as one safe line. */
function safe(
  { text, remedy }: { readonly text: string; readonly remedy?: string },
  end?: string,
): Omit<Words, "exit"> {
  return {
    text: oneLine(end === undefined ? text : `${text}; ${end}`),
    ...(remedy === undefined ? {} : { remedy: remedy.split("\n").map(oneLine).join("\n") }),
  };
}
