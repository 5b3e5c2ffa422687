/** One visitor that asks a daemon again and again, and sees when its location changes. */

import type { Socket } from "bun";

/** The time between two questions, and so the precision of its answers. */
const ASK_EVERY_MS = 10;

/** Longer than a change takes with any store. */
const CHANGE_MS_MAX = 60_000;

interface Waiting {
  readonly location: string;
  readonly resolve: (atMs: number) => void;
}

export class Visitor {
  #socket: Socket | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #waiting: Waiting | undefined;
  #received = "";
  /** The time of its last answer elsewhere. */
  #elsewhereAtMs = 0;

  private constructor() {}

  /** @param path a daemon's socket */
  static async at(path: string): Promise<Visitor> {
    const visitor = new Visitor();
    visitor.#socket = await Bun.connect({
      unix: path,
      socket: { data: (_, bytes) => visitor.#receive(bytes.toString("latin1")) },
    });
    visitor.#timer = setInterval(() => visitor.#socket?.write("0.5\n"), ASK_EVERY_MS);
    return visitor;
  }

  /**
   * Resolves when the visitor is at `location`, with the time of its last answer elsewhere, by
   * `performance.now`.
   */
  async becomes(location: string): Promise<number> {
    const timer = Promise.withResolvers<never>();
    const late = setTimeout(
      () => timer.reject(new Error(`the visitor did not come to ${location}`)),
      CHANGE_MS_MAX,
    );
    try {
      const there = new Promise<number>((resolve) => {
        this.#elsewhereAtMs = performance.now();
        this.#waiting = { location, resolve };
      });
      return await Promise.race([there, timer.promise]);
    } finally {
      clearTimeout(late);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket?.end();
  }

  #receive(text: string): void {
    this.#received += text;
    const lines = this.#received.split("\n");
    this.#received = lines.length % 2 === 1 ? (lines.pop() ?? "") : lines.splice(-2).join("\n");
    const location = lines.at(-1);
    if (location === undefined || this.#waiting === undefined) return;
    if (location !== this.#waiting.location) {
      this.#elsewhereAtMs = performance.now();
      return;
    }
    this.#waiting.resolve(this.#elsewhereAtMs);
    this.#waiting = undefined;
  }
}
