/** The conditions that a promotion skips, for its record and for the words about it. */

import { skippedText } from "../releases/sentence.ts";
import type { Store } from "../stores/store.ts";
import { FREEZE, freezeIn } from "./freeze.ts";
import { type Looked, look, type Target, timeFor } from "./look.ts";
import { skippedBy } from "./skipped.ts";

/** A freeze, and a window that is closed: other people have set both, so they want to read it later. */
export async function overriddenBy(
  target: Target,
  store: Store,
  signal: AbortSignal,
): Promise<string | undefined> {
  const timing = { signal, wallClock: Date.now, timeLimit: (ms: number) => AbortSignal.timeout(ms) };
  const [{ now }, nowMs] = await Promise.all([look(store, target, signal), timeFor(store, true, timing)]);
  if (now.found.kind !== "release" || now.found.release.state === "promoted") return undefined;
  const records = await store.read(FREEZE.application, signal).catch(() => new Map());
  const all = skippedBy(now.found.release, now.plan, nowMs, freezeIn(records).isFrozen);
  const text = skippedText(all.filter(({ kind }) => kind === "freeze" || kind === "windows"));
  return text === "" ? undefined : text;
}

/** All that was skipped. The release is written already, so a store that fails now only leaves it untold. */
export async function skippedAt(
  { now }: Looked,
  atMs: number,
  store: Store,
  signal: AbortSignal,
): Promise<string> {
  if (now.found.kind !== "release") return "";
  const records = await store.read(FREEZE.application, signal).catch(() => new Map());
  return skippedText(skippedBy(now.found.release, now.plan, atMs, freezeIn(records).isFrozen));
}
