/**
 * The pages that are open at this daemon. Pages of the same application share one `Watched`, which ends with
 * the last of them, and the text of one state.
 */

import type { Reading } from "../feed/reading.ts";
import { Watched, type WatchedOptions } from "./watched.ts";

/**
 * After a change of the arcs, the next state waits this long for the records, so that it has both. Without
 * that, the records would come with the state after it, a quarter of a second later.
 */
const RECORDS_MS_MAX = 100;

/** A state may be this old before it is made again without a change. */
const TEXT_MS_MAX = 200;

export interface ViewersOptions extends Omit<WatchedOptions, "application" | "looked"> {
  /** Whether the daemon serves this application. The store is not read for others. */
  readonly isServed: (application: string) => boolean;
  /** Makes the state of an application, as JSON. `watched` is undefined for one that is not served. */
  readonly text: (application: string, watched: Watched | undefined) => string;
}

export interface Viewing {
  /** Whether a look at the records has ended, well or not. A state before that has no release. */
  hasLooked(): boolean;
  /** The state now, as JSON. */
  text(): string;
  close(): void;
}

interface Audience {
  readonly watched: Watched | undefined;
  readonly listeners: Set<() => void>;
  text: string;
  madeAtMs: number;
  /** Fires if the records do not come soon after the arcs. */
  timer: unknown;
}

export class Viewers {
  readonly #options: ViewersOptions;
  readonly #audiences = new Map<string, Audience>();

  constructor(options: ViewersOptions) {
    this.#options = options;
  }

  /** Takes a reading of the feed. */
  follow({ application, isSame }: Reading): void {
    const audience = this.#audiences.get(application);
    if (audience === undefined) return;
    const { watched } = audience;
    watched?.look();
    if (isSame) return;
    if (watched === undefined) this.#changed(audience);
    else audience.timer ??= this.#options.timers.set(() => this.#changed(audience), RECORDS_MS_MAX);
  }

  /**
   * A page of this application is open until it is closed.
   *
   * @param heard called after each change
   */
  open(application: string, heard: () => void): Viewing {
    const audience = this.#audiences.get(application) ?? this.#gather(application);
    audience.listeners.add(heard);
    return {
      hasLooked: () => audience.watched === undefined || audience.watched.hasLooked,
      text: () => this.#textOf(application, audience),
      close: () => {
        audience.listeners.delete(heard);
        if (audience.listeners.size > 0) return;
        audience.watched?.end();
        this.#options.timers.clear(audience.timer);
        this.#audiences.delete(application);
      },
    };
  }

  #gather(application: string): Audience {
    const looked = () => this.#changed(audience);
    const audience: Audience = {
      watched: this.#options.isServed(application)
        ? new Watched({ ...this.#options, application, looked })
        : undefined,
      listeners: new Set(),
      text: "",
      madeAtMs: Number.NEGATIVE_INFINITY,
      timer: undefined,
    };
    this.#audiences.set(application, audience);
    return audience;
  }

  #textOf(application: string, audience: Audience): string {
    const nowMs = this.#options.clocks.monotonic();
    if (nowMs - audience.madeAtMs > TEXT_MS_MAX) {
      audience.text = this.#options.text(application, audience.watched);
      audience.madeAtMs = nowMs;
    }
    return audience.text;
  }

  #changed(audience: Audience): void {
    this.#options.timers.clear(audience.timer);
    audience.timer = undefined;
    audience.madeAtMs = Number.NEGATIVE_INFINITY;
    for (const listener of audience.listeners) listener();
  }
}
