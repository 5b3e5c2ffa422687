/** One sentence that says of a release all at once: for the command `release`, and for the page. Pure. */

import type { StoreFlags } from "../settings/store-flags.ts";
import { rolloutText } from "../text/amounts.ts";
import { oneLine } from "../text/one-line.ts";
import { lastWords } from "./last-words.ts";
import type { Progress } from "./progress.ts";
import { waitWords } from "./wait-words.ts";

/**
 * The release, its place, and the first thing for which it waits, or how it ended:
 * `release 7 (v42) running, step 2/5, at 5%; it waits for time: 12m more`.
 */
export function headline(progress: Progress, storeFlags: StoreFlags): string {
  const { release, plan, rollout } = progress;
  const { id, of, state, step } = release;
  const steps = plan === undefined ? "" : `/${plan.steps.length}`;
  const place = state === "finished" ? "" : `, step ${step}${steps}`;
  const head = `release ${id} (${of}) ${state}${place}, at ${rolloutText(rollout)}`;
  const [first] = waitWords(progress, storeFlags);
  if (first === undefined) return oneLine(`${head}${endText(progress)}`);
  const wait = typeof first === "string" ? first : first.text;
  return oneLine(`${head}; it waits for ${wait}`.replace(/:$/, ""));
}

/**
 * The author, the time and the reason of the end. The sentence of the end itself would say again what is
 * said.
 */
function endText(progress: Progress): string {
  if (progress.foreign !== "none") return ", by another writer";
  const [, end] = lastWords(progress);
  return end === undefined ? "" : `, ${end}`;
}
