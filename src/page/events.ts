/**
 * The stream of one page: server-sent events (HTML standard, section 9.2), each with a whole state.
 *
 * After a change the next state comes at once, but at most `PER_SECOND_MAX` a second. Without any change one
 * comes each second, so a page knows after two or three seconds that its news have stopped. A page that reads
 * slowly misses states, because each is made when the one before is read.
 */

import type { Viewing } from "./viewers.ts";

export const PER_SECOND_MAX = 4;

/** Time between two states without a change. */
const BEAT_MS = 1_000;

/** The first state waits this long for the records. Later it comes without them. */
const FIRST_MS_MAX = 500;

/** A page that lost its stream asks for a new one after this time. */
const RETRY_MS = 1_000;

export interface EventsOptions {
  /** Aborts when the page is closed. */
  readonly closing: AbortSignal;
  /** Whether the page may still be shown: a login ends. */
  readonly mayGoOn: () => boolean;
  /** Opens the page. It calls back after each change. */
  readonly open: (changed: () => void) => Viewing;
}

export async function* events({ closing, mayGoOn, open }: EventsOptions): AsyncGenerator<string> {
  const bell = new Bell(closing);
  const viewing = open(() => bell.ring());
  try {
    yield `retry: ${RETRY_MS}\n\n`;
    if (!viewing.hasLooked()) await bell.sleep(FIRST_MS_MAX, () => viewing.hasLooked());
    while (!closing.aborted && mayGoOn()) {
      yield `data: ${viewing.text()}\n\n`;
      await bell.sleep(1_000 / PER_SECOND_MAX);
      await bell.wait(BEAT_MS - 1_000 / PER_SECOND_MAX);
    }
  } finally {
    viewing.close();
  }
}

/** Wakes a sleeper if it rings, and when the page is closed. */
class Bell {
  #wake: (() => void) | undefined;
  #hasRung = false;
  readonly #closing: AbortSignal;

  constructor(closing: AbortSignal) {
    this.#closing = closing;
    closing.addEventListener("abort", () => this.#wake?.());
  }

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  /** Resolves after `ms`, or when it rings, or if it has rung since the last `wait`. */
  async wait(ms: number): Promise<void> {
    if (!this.#hasRung) await this.sleep(ms, () => this.#hasRung);
    this.#hasRung = false;
  }

  /** Resolves after `ms`, or when the page is closed, or when it rings and `isOver`. */
  sleep(ms: number, isOver = () => false): Promise<void> {
    if (this.#closing.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#wake = () => {
        if (this.#closing.aborted || isOver()) end();
      };
    });
  }
}
