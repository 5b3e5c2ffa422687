/**
 * The stream of news from the daemon, as signals.
 *
 * The browser connects again by itself. Until the next state comes, the last one stays on the page, and the
 * page says how old it is.
 */

import { computed, signal } from "@preact/signals";
import type { ApplicationNews, PageNews } from "../news.ts";
import { Lateness, WakefulClock } from "./ages.ts";

/** News that are older than this are shown as old. The daemon sends a state each second at least. */
const FRESH_MS = 2_500;

/** The page looks at its clock this often. */
const TICK_MS = 250;

/** The application of the page's address; null for the first one of the daemon. */
export const asked = signal<string | null>(null);

/** The last state; undefined before the first one. */
export const news = signal<PageNews | undefined>(undefined);

const clock = new WakefulClock({ monotonic: () => performance.now(), wall: () => Date.now() });

/** This page's clock, and when the last state was made, in milliseconds. */
export const nowMs = signal(clock.now());
export const heardAtMs = signal(nowMs.value);

/** Milliseconds since the last state. */
export const ageMs = computed(() => Math.max(0, nowMs.value - heardAtMs.value));
export const isOld = computed(() => ageMs.value > FRESH_MS);

/** The states of one application so far, for what is shown over time. */
export type Heard = (news: ApplicationNews, atMs: number) => void;
const listeners: Heard[] = [];

/** Calls `heard` with each state of the application of this page. */
export function onState(heard: Heard): void {
  listeners.push(heard);
}

/** Whether the daemon refuses its news: they need a login, or too many pages are open. */
export const isRefused = signal(false);

let source: EventSource | undefined;

export function connect(): void {
  asked.value = new URLSearchParams(location.search).get("application");
  open();
  setInterval(look, TICK_MS);
  // After a sleep the page looks at its clock at once, and not with the next tick.
  for (const event of ["visibilitychange", "resume"]) document.addEventListener(event, look);
  for (const event of ["pageshow", "focus", "online"]) addEventListener(event, look);
}

/** Looks at the clock. A stream whose connection hangs gives no error, so the page makes a new one. */
function look(): void {
  nowMs.value = clock.now();
  if (ageMs.value > RECONNECT_MS && source?.readyState === EventSource.OPEN) open();
}

/** Asks again if the daemon has refused its news. */
export function askAgain(): void {
  if (source?.readyState === EventSource.CLOSED) open();
}

function open(): void {
  source?.close();
  const query = asked.value === null ? "" : `?application=${encodeURIComponent(asked.value)}`;
  const stream = new EventSource(`/events${query}`);
  source = stream;
  let lateness = new Lateness();
  // The browser asks again by itself if the connection ends, perhaps another process of the daemon.
  stream.addEventListener("open", () => {
    lateness = new Lateness();
  });
  stream.addEventListener("message", ({ data }) => {
    const state = JSON.parse(String(data)) as PageNews;
    const lateMs = lateness.of(clock.now(), state.atMs);
    // It waited somewhere, and others behind it. The first state of a new stream is made when it is asked.
    if (lateMs > FRESH_MS) open();
    else hear(state, lateMs);
  });
  stream.addEventListener("error", () => {
    // After an answer that is not a stream, the browser does not ask again by itself.
    isRefused.value = stream.readyState === EventSource.CLOSED;
    if (isRefused.value) setTimeout(askAgain, REFUSED_MS);
  });
}

function hear(state: PageNews, lateMs: number): void {
  isRefused.value = false;
  nowMs.value = clock.now();
  heardAtMs.value = nowMs.value - lateMs;
  if (state.application !== null) for (const heard of listeners) heard(state.application, heardAtMs.value);
  news.value = state;
}

/** A stream that is silent for so long hangs. */
const RECONNECT_MS = 60_000;

/** A page that was refused asks again after this time. */
const REFUSED_MS = 5_000;
