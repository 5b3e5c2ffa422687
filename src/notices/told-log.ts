/**
 * Reads from the evidence of a release which notices were sent, and adds those of this daemon. It has its own
 * place in each log, because the notice of a release's end is sent after the controller has left the release.
 */

import { batchesOf } from "../evidence/batches.ts";
import { Merged } from "../evidence/merged.ts";
import type { Told } from "../evidence/news.ts";
import { newsIn } from "../evidence/news-lines.ts";
import type { Log } from "../log/log.ts";
import { RIGHTS_REMEDY } from "../releases/rights-remedy.ts";
import type { Evidence, EvidenceLog } from "../stores/evidence.ts";
import { StoreError } from "../stores/store.ts";
import { errorMessage } from "../text/error-message.ts";
import type { Timers } from "../timers.ts";
import { bounded } from "./bounded.ts";

/** Notices that are sent one after another go to the store together. */
export const GATHER_MS = 250;

/** The first pause after a failure, doubled up to the second one. */
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 60_000;

const APPEND_MS = 5_000;

/** Closing waits this long for the store. */
const CLOSE_MS = 500;

/** For this many releases the place in the log is kept. Any other log is read from its beginning. */
const LOGS_MAX = 256;

/** This many wait for a store that refuses them. Then the oldest ones are dropped. */
const WAITING_MAX = 10_000;

/** This many fit into the batches of one call. */
const TOGETHER_MAX = 400;

export interface ToldLogOptions {
  readonly evidence: Evidence;
  readonly timers: Timers;
  readonly log: Log;
}

interface Place {
  readonly merged: Merged;
  cursor: string | undefined;
}

interface Waiting {
  readonly at: EvidenceLog;
  readonly told: Told;
}

export class ToldLog {
  readonly #options: ToldLogOptions;
  readonly #places = new Map<string, Place>();
  readonly #ending = new AbortController();
  #waiting: Waiting[] = [];
  #adding: Promise<void> | undefined;
  #timer: unknown;
  #failures = 0;
  #isClosing = false;

  constructor(options: ToldLogOptions) {
    this.#options = options;
  }

  /** All marks of a release. Rejects if the store does not answer, or if `signal` ends it. */
  async read(at: EvidenceLog, signal: AbortSignal): Promise<readonly Told[]> {
    const { evidence } = this.#options;
    const place = this.#placeIn(at);
    for (let hasMore = true; hasMore; ) {
      const news = await evidence.read(at, place.cursor, signal);
      for (const each of newsIn(news.batches)) if (each.kind === "told") place.merged.add(each);
      place.cursor = news.cursor;
      hasMore = news.hasMore;
      signal.throwIfAborted();
    }
    return [...place.merged.told];
  }

  /** Adds to the evidence, soon. */
  add(at: EvidenceLog, told: Told): void {
    this.#placeIn(at).merged.add(told);
    this.#waiting.push({ at, told });
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
    this.#arm(GATHER_MS);
  }

  /** Adds what waits, within half a second. */
  async close(): Promise<void> {
    const { timers } = this.#options;
    this.#isClosing = true;
    timers.clear(this.#timer);
    const adding = (async () => {
      await this.#adding;
      await this.#addAll();
    })();
    await bounded(timers, CLOSE_MS, this.#ending.signal, () => adding).catch(() => {});
    this.#ending.abort();
  }

  #arm(ms: number): void {
    if (this.#isClosing || this.#timer !== undefined || this.#adding !== undefined) return;
    this.#timer = this.#options.timers.set(() => {
      this.#timer = undefined;
      this.#adding = this.#addAll().finally(() => {
        this.#adding = undefined;
        if (this.#waiting.length > 0) this.#arm(this.#failures === 0 ? GATHER_MS : this.#pauseMs());
      });
    }, ms);
  }

  /** Never rejects. */
  async #addAll(): Promise<void> {
    const { evidence, timers, log } = this.#options;
    const logs = new Map(this.#waiting.map(({ at }) => [nameOf(at), at]));
    for (const [name, at] of logs) {
      const part = this.#waiting.filter((each) => nameOf(each.at) === name).slice(0, TOGETHER_MAX);
      const batches = batchesOf(part.map(({ told }) => told));
      try {
        await bounded(timers, APPEND_MS, this.#ending.signal, (signal) =>
          evidence.append(at, batches, signal),
        );
        this.#waiting = this.#waiting.filter((each) => !part.includes(each));
        this.#failures = 0;
      } catch (error) {
        if (this.#ending.signal.aborted) return;
        this.#failures++;
        log.warn("the store does not keep which notices were sent, so a notice may come twice", {
          ...{ application: at.application, error: errorMessage(error), remedy: remedyOf(error) },
        });
      }
    }
  }

  #pauseMs(): number {
    return Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(this.#failures - 1, 10));
  }

  #placeIn(at: EvidenceLog): Place {
    const name = nameOf(at);
    const place = this.#places.get(name) ?? { merged: new Merged(), cursor: undefined };
    this.#places.delete(name);
    this.#places.set(name, place);
    const [oldest] = this.#places.keys();
    if (this.#places.size > LOGS_MAX && oldest !== undefined) this.#places.delete(oldest);
    return place;
  }
}

function nameOf({ application, key }: EvidenceLog): string {
  return `${application} ${key}`;
}

function remedyOf(error: unknown): string | undefined {
  const isDenied = error instanceof StoreError && error.code === "denied";
  return isDenied ? RIGHTS_REMEDY : undefined;
}
