/**
 * The stream of news from the daemon. It needs nothing else of the page, which opens it before the rest of
 * its code is there (`page.ts`).
 *
 * The browser connects again by itself. Until the next state comes, the last one stays on the page, and the
 * page says how old it is.
 */

import type { PageNews } from "../news.ts";
import { FRESH_MS, Lateness, WakefulClock } from "./ages.ts";

/** The page looks at its clock this often. */
const TICK_MS = 250;

/** A stream that is silent for so long hangs. */
const RECONNECT_MS = 60_000;

/** A page that was refused asks again after this time. */
const REFUSED_MS = 5_000;

/** The page that shows the news. */
export interface Reader {
  /** The clock of this page has gone on. */
  readonly tick: (nowMs: number) => void;
  /** A state has come. It was made at `heardAtMs`, by the clock of this page. */
  readonly hear: (state: PageNews, heardAtMs: number) => void;
  /** Whether the daemon refuses its news: they need a login, or too many pages are open. */
  readonly refuse: (isRefused: boolean) => void;
}

export class NewsStream {
  /** The application of the page's address; null for the first one of the daemon. */
  readonly asked: string | null;
  readonly #clock = new WakefulClock({ monotonic: () => performance.now(), wall: () => Date.now() });
  #reader: Reader | undefined;
  #source: EventSource | undefined;
  #state: PageNews | undefined;
  #isRefused = false;
  /** When the last state was made; before the first one, when it was asked. */
  #heardAtMs = this.#clock.now();

  /** @param search of the page's address */
  constructor(search: string) {
    this.asked = new URLSearchParams(search).get("application");
    this.#open();
    setInterval(this.#look, TICK_MS);
    // After a sleep the page looks at its clock at once, and not with the next tick.
    for (const event of ["visibilitychange", "resume"]) document.addEventListener(event, this.#look);
    for (const event of ["pageshow", "focus", "online"]) addEventListener(event, this.#look);
  }

  /** From now on `reader` has the news, also the last state that came before. */
  follow(reader: Reader): void {
    this.#reader = reader;
    reader.tick(this.#clock.now());
    reader.refuse(this.#isRefused);
    if (this.#state !== undefined) reader.hear(this.#state, this.#heardAtMs);
  }

  /** Asks again if the daemon has refused its news. */
  readonly askAgain = (): void => {
    if (this.#source?.readyState === EventSource.CLOSED) this.#open();
  };

  /** Looks at the clock. A stream whose connection hangs gives no error, so the page makes a new one. */
  readonly #look = (): void => {
    const nowMs = this.#clock.now();
    this.#reader?.tick(nowMs);
    if (nowMs - this.#heardAtMs > RECONNECT_MS && this.#source?.readyState === EventSource.OPEN) this.#open();
  };

  #open(): void {
    this.#source?.close();
    const query = this.asked === null ? "" : `?application=${encodeURIComponent(this.asked)}`;
    const source = new EventSource(`/events${query}`);
    this.#source = source;
    let lateness = new Lateness();
    // The browser asks again by itself if the connection ends, perhaps another process of the daemon.
    source.addEventListener("open", () => {
      lateness = new Lateness();
    });
    source.addEventListener("message", ({ data }) => {
      const state = JSON.parse(String(data)) as PageNews;
      const nowMs = this.#clock.now();
      const lateMs = lateness.of(nowMs, state.atMs);
      // It waited somewhere, and others behind it. The first state of a new stream is made when it is asked.
      if (lateMs > FRESH_MS) this.#open();
      else this.#hear(state, nowMs, lateMs);
    });
    source.addEventListener("error", () => {
      // After an answer that is not a stream, the browser does not ask again by itself.
      this.#refuse(source.readyState === EventSource.CLOSED);
      if (this.#isRefused) setTimeout(this.askAgain, REFUSED_MS);
    });
  }

  #hear(state: PageNews, nowMs: number, lateMs: number): void {
    this.#refuse(false);
    this.#state = state;
    this.#heardAtMs = nowMs - lateMs;
    this.#reader?.tick(nowMs);
    this.#reader?.hear(state, this.#heardAtMs);
  }

  #refuse(isRefused: boolean): void {
    this.#isRefused = isRefused;
    this.#reader?.refuse(isRefused);
  }
}
