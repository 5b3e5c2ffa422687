/** Waits for the daemons that say that they lead a release. */

import { Crew } from "../evidence/crew.ts";
import { newsIn } from "../evidence/news-lines.ts";
import { unlessAborted } from "../stores/shared/abort.ts";
import { type Store, StoreError } from "../stores/store.ts";
import type { Aim } from "./follower.ts";
import type { Clocks } from "./observer.ts";

/** A daemon tells within a few seconds that it leads. */
export const CREW_WAIT_MS = 10_000;

/** After the first daemon, the others have this long. */
const OTHERS_MS = 1_500;

const POLL_MS = 250;

/** One read that takes longer has failed, and is repeated. */
const READ_MS = 3_000;

export type Awaited =
  /** Sorted names, one at least. */
  | { readonly kind: "led"; readonly leaders: readonly string[]; readonly unable: readonly string[] }
  /** `unable` are the daemons that would lead it if the store took their writes. */
  | { readonly kind: "unled"; readonly unable: readonly string[] }
  /** The store keeps no evidence, or does not show it. */
  | { readonly kind: "unseen"; readonly error: StoreError | undefined };

/** @param seq the state of the release that the daemons must have seen */
export async function awaitCrew(
  { evidence }: Pick<Store, "evidence">,
  { application, key }: Aim,
  seq: number,
  clocks: Clocks,
  pause: (ms: number) => Promise<void>,
): Promise<Awaited> {
  if (evidence === undefined) return { kind: "unseen", error: undefined };
  const crew = new Crew();
  let untilMs = clocks.monotonic() + CREW_WAIT_MS;
  let cursor: string | undefined;
  let error: StoreError | undefined;
  let isLed = false;
  for (;;) {
    const signal = AbortSignal.timeout(READ_MS);
    try {
      const news = await unlessAborted(signal, evidence.read({ application, key }, cursor, signal));
      cursor = news.cursor;
      error = undefined;
      // The log began with this release, so all of it is new.
      crew.hear(newsIn(news.batches), { monotonicMs: clocks.monotonic(), nowMs: clocks.wall() }, false);
    } catch (thrown) {
      if (!(thrown instanceof StoreError)) throw thrown;
      error = thrown;
      if (thrown.code === "denied") break;
    }
    const nowMs = clocks.monotonic();
    if (!isLed && crew.leaders(nowMs, seq).length > 0) {
      isLed = true;
      untilMs = Math.min(untilMs, nowMs + OTHERS_MS);
    }
    if (nowMs + POLL_MS > untilMs) break;
    await pause(POLL_MS);
  }
  const nowMs = clocks.monotonic();
  const [leaders, unable] = [crew.leaders(nowMs, seq), crew.unable(nowMs, seq)];
  if (leaders.length > 0) return { kind: "led", leaders, unable };
  return error === undefined ? { kind: "unled", unable } : { kind: "unseen", error };
}
