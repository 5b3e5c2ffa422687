/** Runs work in steps. The event loop answers visitors in between. */

import { Slices } from "../../slices.ts";
import type { Steps } from "./document-parts.ts";

export async function inSlices<T>(steps: Steps<T>): Promise<T> {
  const slices = new Slices();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (slices.isOverNow()) await slices.next();
  }
}
