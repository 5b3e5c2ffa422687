/**
 * The writes of the page: the verbs of a person, pinned to what the page showed, by the same code as the
 * command line.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Pin, Request } from "../releases/request.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import { type Store, StoreError } from "../stores/store.ts";
import { type Carrying, carryOut } from "../verbs/carry-out.ts";
import { drawKey } from "../verbs/draw-key.ts";
import { freezeWords } from "../verbs/freeze-words.ts";
import type { Looked, Target } from "../verbs/look.ts";
import { overriddenBy, skippedAt } from "../verbs/promotion.ts";
import { setFreeze } from "../verbs/set-freeze.ts";
import { unwrittenWords, type Words, wordsOf } from "../verbs/words.ts";
import type { Act, ReleaseAct } from "./act.ts";
import { setRollout } from "./set-rollout.ts";

/** A write that takes longer is given up. */
const WRITE_MS_MAX = 10_000;

export interface ActParts {
  readonly store: Store;
  /** For the commands in the words. */
  readonly storeFlags: StoreFlags;
  /** `name@host`. */
  readonly author: string;
}

/** Does it, and returns the words for the person. Rejects with a fault of this program alone. */
export async function act(wanted: Act, { store, storeFlags, author }: ActParts): Promise<Words> {
  const signal = AbortSignal.timeout(WRITE_MS_MAX);
  const carrying = (why: string | undefined): Carrying => ({
    ...{ store, author, why, signal, drawKey, wallClock: Date.now, random: Math.random },
    pause: (ms) => sleep(ms),
    timeLimit: (ms) => AbortSignal.timeout(ms),
  });
  const reason = wanted.reason === "" ? undefined : wanted.reason;
  try {
    switch (wanted.verb) {
      case "set":
        return await setRollout(wanted, { store, storeFlags, author, signal });
      case "freeze":
      case "unfreeze":
        return freezeWords(
          await setFreeze(wanted.verb === "freeze", carrying(reason), wanted.seenAt),
          store.address,
        );
      default:
        return await carry(wanted, { store, storeFlags, reason }, carrying);
    }
  } catch (error) {
    if (error instanceof StoreError) return unwrittenWords(error, { verb: requestVerb(wanted.verb) });
    throw error;
  }
}

/** A freeze is written like a pause: it takes no visitor back. */
function requestVerb(verb: Act["verb"]): Request["verb"] {
  return verb === "freeze" || verb === "unfreeze" || verb === "set" ? "pause" : verb;
}

async function carry(
  wanted: ReleaseAct,
  {
    store,
    storeFlags,
    reason,
  }: Pick<ActParts, "store" | "storeFlags"> & { readonly reason: string | undefined },
  carrying: (why: string | undefined) => Carrying,
): Promise<Words> {
  const target: Target = { application: wanted.application, version: wanted.version };
  const { signal } = carrying(reason);
  const isPromotion = wanted.verb === "promote";
  const overridden = isPromotion ? await overriddenBy(target, store, signal) : undefined;
  const why = [reason, overridden].filter((text) => text !== undefined).join("; ");
  let request: Request | undefined;
  const outcome = await carryOut(
    target,
    (looked) => {
      request = requestOf(wanted, looked, reason);
      return request;
    },
    carrying(why === "" ? undefined : why),
  );
  if (request === undefined) return { exit: "failed", text: "the store is read-only; nothing was written" };
  const isWritten = outcome.kind === "written" && outcome.release !== null;
  const skipped =
    isPromotion && isWritten
      ? await skippedAt(outcome.looked, Date.parse(outcome.release.since), store, signal)
      : undefined;
  const about = { target, request, address: store.address, storeFlags };
  return wordsOf(outcome, skipped === undefined ? about : { ...about, skipped });
}

function requestOf(
  { verb, key, step, sign = "" }: ReleaseAct,
  { now }: Looked,
  reason: string | undefined,
): Request {
  const pin: Pin = { key, step };
  switch (verb) {
    case "promote":
      return { verb, pin, to: undefined, resume: false };
    case "resume":
      return { verb, pin };
    case "pause":
    case "abort":
      return { verb, key, reason };
    case "undo":
      return { verb, key, reason, overMs: 0 };
    case "finish": {
      const deployed = now.found.kind === "release" ? now.found.release.of : "";
      return { verb, key, reason, overMs: 0, deployed };
    }
    case "clear":
      return { verb, key, sign, why: reason ?? "cleared on the page" };
  }
}
