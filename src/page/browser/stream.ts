/** The news from the daemon, as signals. */

import { computed, signal } from "@preact/signals";
import type { ApplicationNews, PageNews } from "../news.ts";
import { FRESH_MS } from "./ages.ts";
import type { NewsStream } from "./news-stream.ts";

const stream = signal<NewsStream | undefined>(undefined);

/** The application of the page's address; null for the first one of the daemon. */
export const asked = computed(() => stream.value?.asked ?? null);

/** The last state; undefined before the first one. */
export const news = signal<PageNews | undefined>(undefined);

/** This page's clock, and when the last state was made, in milliseconds. */
export const nowMs = signal(0);
export const heardAtMs = signal(0);

/** Milliseconds since the last state; before the first one, since the browser began to load the page. */
export const ageMs = computed(() => Math.max(0, nowMs.value - heardAtMs.value));
export const isOld = computed(() => ageMs.value > FRESH_MS);

/** Whether the daemon refuses its news: they need a login, or too many pages are open. */
export const isRefused = signal(false);

/** The states of one application so far, for what is shown over time. */
export type Heard = (news: ApplicationNews, atMs: number) => void;
const listeners: Heard[] = [];

/** Calls `heard` with each state of the application of this page. */
export function onState(heard: Heard): void {
  listeners.push(heard);
}

/** From now on the signals have the news of this stream. */
export function follow(opened: NewsStream): void {
  stream.value = opened;
  opened.follow({
    tick: (ms) => {
      nowMs.value = ms;
    },
    hear: (state, atMs) => {
      heardAtMs.value = atMs;
      if (state.application !== null) for (const heard of listeners) heard(state.application, atMs);
      news.value = state;
    },
    refuse: (is) => {
      isRefused.value = is;
    },
  });
}

/** Asks again if the daemon has refused its news. */
export function askAgain(): void {
  stream.value?.askAgain();
}
