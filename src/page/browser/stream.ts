/**
 * The stream of news from the daemon, as signals.
 *
 * The browser connects again by itself. Until the next state comes, the last one stays on the page, and the
 * page says how old it is.
 */

import { computed, signal } from "@preact/signals";
import type { ApplicationNews, PageNews } from "../news.ts";

/** News that are older than this are shown as old. The daemon sends a state each second at least. */
const FRESH_MS = 2_500;

/** The page looks at its clock this often. */
const TICK_MS = 250;

/** The application of the page's address; null for the first one of the daemon. */
export const asked = signal<string | null>(null);

/** The last state; undefined before the first one. */
export const news = signal<PageNews | undefined>(undefined);

/** This page's clock, and when the last state came, in milliseconds. */
export const nowMs = signal(performance.now());
export const heardAtMs = signal(performance.now());

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

export function connect(): void {
  asked.value = new URLSearchParams(location.search).get("application");
  const query = asked.value === null ? "" : `?application=${encodeURIComponent(asked.value)}`;
  const source = new EventSource(`/events${query}`);
  source.addEventListener("message", ({ data }) => {
    const state = JSON.parse(String(data)) as PageNews;
    heardAtMs.value = performance.now();
    nowMs.value = heardAtMs.value;
    if (state.application !== null) for (const heard of listeners) heard(state.application, heardAtMs.value);
    news.value = state;
  });
  setInterval(() => {
    nowMs.value = performance.now();
    // A stream whose connection hangs gives no error, so the page makes a new one.
    if (ageMs.value > RECONNECT_MS && source.readyState !== EventSource.CONNECTING) {
      source.close();
      location.reload();
    }
  }, TICK_MS);
}

/** A stream that is silent for so long hangs. */
const RECONNECT_MS = 60_000;
