/** Sets a rollout for the page, by the code and the words of the command `set`. */

import { type Change, isDown } from "../records/change.ts";
import { remarksOnChange } from "../records/remarks.ts";
import { fullRollout } from "../records/shown.ts";
import { type WriteOutcome, writeChange } from "../records/write.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import { abandoned } from "../stores/shared/abort.ts";
import { type Store, StoreError } from "../stores/store.ts";
import { oneLine } from "../text/one-line.ts";
import { followingText } from "../verbs/beside-words.ts";
import { changeText, remarkSentence } from "../verbs/change-text.ts";
import { failedChangeWords, unwrittenChangeWords } from "../verbs/change-words.ts";
import { drawKey } from "../verbs/draw-key.ts";
import { timeFor } from "../verbs/look.ts";
import type { Words } from "../verbs/words.ts";
import type { SetAct } from "./act.ts";

export interface SetParts {
  readonly store: Store;
  readonly storeFlags: StoreFlags;
  readonly author: string;
  readonly signal: AbortSignal;
}

export async function setRollout(
  wanted: SetAct,
  { store, storeFlags, author, signal }: SetParts,
): Promise<Words> {
  const { application, version, rollout, expect, reason } = wanted;
  const why = reason === "" ? undefined : reason;
  const change: Change = {
    ...{ application, version, rollout, expect, offset: undefined, failsafe: undefined },
    ...{ isNew: false, mayOverlap: false, signature: { author, at: new Date(), why } },
  };
  const timing = { signal, wallClock: Date.now, timeLimit: (ms: number) => AbortSignal.timeout(ms) };
  const stampOf = async () => ({ nowMs: await timeFor(store, true, timing), tx: drawKey(), author });
  try {
    const outcome = await writeChange(change, store, signal, stampOf);
    return wordsOf(outcome, change, { store, storeFlags });
  } catch (error) {
    const fault = signal.aborted ? abandoned(signal) : error;
    if (fault instanceof StoreError) return failedChangeWords(fault, change);
    throw fault;
  }
}

function wordsOf(
  outcome: WriteOutcome,
  change: Change,
  where: Pick<SetParts, "store" | "storeFlags">,
): Words {
  const { application, version } = change;
  const what = `${version} of ${application}`;
  switch (outcome.kind) {
    case "written": {
      const { before, after, snapshot, following } = outcome;
      const remarks = [
        ...(following === undefined
          ? []
          : [followingText({ application, version }, following, after.rollout, where.storeFlags)]),
        ...remarksOnChange(change, before, after, snapshot).map((each) => remarkSentence(version, each)),
      ];
      const text = oneLine(changeText(before, after));
      return remarks.length === 0 ? { exit: "ok", text } : { exit: "ok", text, remedy: remarks.join("\n") };
    }
    case "same":
      return {
        exit: "ok",
        text: oneLine(`${what} is ${fullRollout(outcome.before)} already; nothing was written`),
      };
    case "conflict":
      if (outcome.current !== null || !isDown(change)) return unwrittenChangeWords(outcome, change, where);
      return {
        exit: "conflict",
        text: oneLine(
          `another writer removed ${what} in the meantime, so it counts as 0%; nothing was written`,
        ),
      };
    default:
      return unwrittenChangeWords(outcome, change, where);
  }
}
