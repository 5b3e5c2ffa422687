/** The work of a browser's main thread, from a trace of Chromium. */

import type { Browser, Page } from "playwright-core";
import { FIRST_STATE } from "./first-state.ts";

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
  const { marks: states, tasks } = await traced(browser, page, MARK, until);
  // The task of a state begins before its mark.
  const begins = states.map(({ ts }) => tasks.findLast((task) => task.ts <= ts)?.ts ?? ts);
  return begins.slice(0, -1).map((begin, n) => {
    const own = tasks.filter(({ ts }) => ts >= begin && ts < (begins[n + 1] ?? 0));
    return millisecondsOf(own);
  });
}

/**
 * Traces a page that shows nothing yet until `until` resolves. Returns the milliseconds of the processor that
 * the page used until its first state was painted (`first-state.ts`).
 */
export async function workOfFirstState(
  browser: Browser,
  page: Page,
  until: () => Promise<void>,
): Promise<number> {
  const { marks, tasks } = await traced(browser, page, FIRST_STATE, until);
  const paintedAt = marks[0]?.ts ?? 0;
  return millisecondsOf(tasks.filter(({ ts }) => ts < paintedAt));
}

/** The marks with a name, and the tasks of the thread that set them, in the order of time. */
async function traced(browser: Browser, page: Page, mark: string, until: () => Promise<void>) {
  await browser.startTracing(page, { categories: ["toplevel", "blink.user_timing"] });
  await until();
  const { traceEvents } = JSON.parse(String(await browser.stopTracing())) as {
    readonly traceEvents: readonly TraceEvent[];
  };
  const marks = traceEvents.filter(({ name }) => name === mark);
  const [first] = marks;
  if (first === undefined) throw new Error("no state came while the page was traced");
  const tasks = traceEvents
    .filter(({ name, pid, tid }) => name === TASK && pid === first.pid && tid === first.tid)
    .toSorted((a, b) => a.ts - b.ts);
  return { marks, tasks };
}

function millisecondsOf(tasks: readonly TraceEvent[]): number {
  return tasks.reduce((sum, { tdur = 0 }) => sum + tdur, 0) / 1_000;
}
