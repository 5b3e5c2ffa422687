/**
 * uPlot, which the page loads for its first chart. No chart has anything to draw before the second state, and
 * uPlot makes an `Intl` when it begins (`words.ts`).
 */

import { signal } from "@preact/signals";
import type uPlot from "uplot";

/** Undefined until it is loaded. */
export const plotter = signal<typeof uPlot | undefined>(undefined);

/** Whether it could not be loaded. The next chart tries again. */
export const isPlotterMissing = signal(false);

let isAsked = false;

export async function loadPlotter(): Promise<void> {
  if (isAsked) return;
  isAsked = true;
  isPlotterMissing.value = false;
  try {
    plotter.value = (await import("./uplot.ts")).default;
  } catch {
    isPlotterMissing.value = true;
    isAsked = false;
  }
}
