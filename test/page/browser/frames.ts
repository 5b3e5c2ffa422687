/** The work of a browser's main thread, from a trace of Chromium. */

import type { Browser, Page } from "playwright-core";

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** In microseconds. */
  readonly ts: number;
  /** The processor's time of an event, in microseconds. It does not grow while other programs run. */
  readonly tdur?: number;
}

const MARK = "state";

/** A task of a thread. Tasks of one thread do not overlap. */
const TASK = "ThreadControllerImpl::RunTask";

/** Marks each state that comes, for the trace. It must be a script of the visit. */
export const MARK_STATES = `globalThis.EventSource = class extends EventSource {
  constructor(url) {
    super(url);
    this.addEventListener("message", () => performance.mark("${MARK}"));
  }
};`;

/**
 * Traces the page until `until` resolves. Returns a number for each state that came: the milliseconds of the
 * processor that the page used from then to the next one, to read it, to draw it, and for its own clock.
 */
export async function workOfStates(
  browser: Browser,
  page: Page,
  until: () => Promise<void>,
): Promise<number[]> {
  await browser.startTracing(page, { categories: ["toplevel", "blink.user_timing"] });
  await until();
  const { traceEvents } = JSON.parse(String(await browser.stopTracing())) as {
    readonly traceEvents: readonly TraceEvent[];
  };
  const states = traceEvents.filter(({ name }) => name === MARK);
  const [first] = states;
  if (first === undefined) throw new Error("no state came while the page was traced");
  const tasks = traceEvents
    .filter(({ name, pid, tid }) => name === TASK && pid === first.pid && tid === first.tid)
    .toSorted((a, b) => a.ts - b.ts);
  // The task of a state begins before its mark.
  const begins = states.map(({ ts }) => tasks.findLast((task) => task.ts <= ts)?.ts ?? ts);
  return begins.slice(0, -1).map((begin, n) => {
    const own = tasks.filter(({ ts }) => ts >= begin && ts < (begins[n + 1] ?? 0));
    return own.reduce((sum, { tdur = 0 }) => sum + tdur, 0) / 1_000;
  });
}
