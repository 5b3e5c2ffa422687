/**
 * Simulated visitors of the shop. Each has a network of its own, keeps its cookie, looks at a few pages, and
 * leaves. Then another one comes.
 */

import { VERSION_HEADER } from "./shop.ts";

/** Between two pages a visitor reads, for a time between these. */
const READS_MS_MIN = 1_000;
const READS_MS_MAX = 3_000;

/** A visitor looks at this many pages. */
const PAGES_MIN = 2;
const PAGES_MAX = 5;

/** About this number of visitors come in a second, if `count` of them are there. */
export function arrivalsPerSecond(count: number): number {
  const staysMs = ((PAGES_MIN + PAGES_MAX) / 2) * ((READS_MS_MIN + READS_MS_MAX) / 2);
  return (count * 1_000) / staysMs;
}

/** A request that has no answer by then has failed. */
const PATIENCE_MS = 10_000;

/** Visitors whose time has come are looked for so often. */
const TICK_MS = 20;

/** The part of the visitors for `areServed`. The others have just come. */
const SERVED_PART = 0.8;

interface Visitor {
  /** Counts all visitors. */
  readonly number: number;
  readonly address: string;
  cookie: string | undefined;
  pagesLeft: number;
  nextAtMs: number;
  isWaiting: boolean;
  /** The last answer; undefined before the first. */
  last: Answer | undefined;
}

interface Answer {
  readonly atMs: number;
  /** Undefined if no version has answered. */
  readonly version: number | undefined;
  readonly isError: boolean;
}

export interface VisitorCounts {
  /** All that have come so far. */
  readonly came: number;
  /** The visitors that have met an error, and the visitors that have waited for longer than the bound. */
  readonly hurt: number;
  readonly slowed: number;
}

export interface VisitorsOptions {
  readonly port: number;
  /** The number of visitors who are there at a time. */
  readonly count: number;
  /** A page that takes longer is slow. */
  readonly slowMs: number;
  /** From 0 to less than 1. */
  readonly random: () => number;
}

export class Visitors {
  readonly #options: VisitorsOptions;
  readonly #ending = new AbortController();
  readonly #hurt = new Set<number>();
  readonly #slowed = new Set<number>();
  #there: Visitor[] = [];
  #came = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: VisitorsOptions) {
    this.#options = options;
  }

  get counts(): VisitorCounts {
    return { came: this.#came, hurt: this.#hurt.size, slowed: this.#slowed.size };
  }

  /** The number of visitors who are there. */
  get there(): number {
    return this.#there.length;
  }

  /** Whether the last page of each visitor is younger than a moment, sound, and of this version. */
  areAllAt(version: number, sinceMs: number): boolean {
    return this.#there.every(
      ({ last }) => last === undefined || (last.atMs >= sinceMs && last.version === version && !last.isError),
    );
  }

  /**
   * Whether the shop is open: most visitors have got a page, and a cookie with the assignment. A visitor has
   * none only if the proxy could not ask the daemon.
   */
  get areServed(): boolean {
    const served = this.#there.filter(({ last, cookie }) => last?.isError === false && cookie !== undefined);
    return served.length >= SERVED_PART * this.#options.count;
  }

  start(): void {
    const { count, random } = this.#options;
    // They do not all come at once, and do not all leave at once.
    this.#there = Array.from({ length: count }, () => this.#newVisitor(random() * READS_MS_MAX));
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#ending.abort();
    this.#there = [];
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const [place, visitor] of this.#there.entries()) {
      if (visitor.isWaiting || visitor.nextAtMs > nowMs) continue;
      if (visitor.pagesLeft === 0) {
        this.#there[place] = this.#newVisitor(0);
        continue;
      }
      visitor.isWaiting = true;
      void this.#visit(visitor);
    }
  }

  #newVisitor(inMs: number): Visitor {
    const { random } = this.#options;
    const number = this.#came++;
    return {
      number,
      // A network of its own, as the judge counts them.
      address: `10.${(number >> 8) & 0xff}.${number & 0xff}.1`,
      cookie: undefined,
      pagesLeft: PAGES_MIN + Math.floor(random() * (PAGES_MAX - PAGES_MIN + 1)),
      nextAtMs: performance.now() + inMs,
      isWaiting: false,
      last: undefined,
    };
  }

  /** Never rejects. */
  async #visit(visitor: Visitor): Promise<void> {
    const { random, slowMs } = this.#options;
    const beganAtMs = performance.now();
    const answer = await this.#ask(visitor, beganAtMs);
    if (this.#ending.signal.aborted) return;
    const nowMs = performance.now();
    visitor.last = answer;
    visitor.isWaiting = false;
    visitor.pagesLeft--;
    visitor.nextAtMs = nowMs + READS_MS_MIN + random() * (READS_MS_MAX - READS_MS_MIN);
    if (answer.isError) this.#hurt.add(visitor.number);
    if (nowMs - beganAtMs > slowMs) this.#slowed.add(visitor.number);
  }

  /** @param atMs when the visitor has asked */
  async #ask(visitor: Visitor, atMs: number): Promise<Answer> {
    const { address, cookie } = visitor;
    try {
      const reply = await fetch(`http://127.0.0.1:${this.#options.port}/`, {
        headers: { "X-Forwarded-For": address, ...(cookie === undefined ? {} : { Cookie: cookie }) },
        signal: AbortSignal.any([this.#ending.signal, AbortSignal.timeout(PATIENCE_MS)]),
      });
      await reply.arrayBuffer();
      const [set] = reply.headers.getSetCookie();
      if (set !== undefined) visitor.cookie = set.split(";", 1)[0];
      const version = reply.headers.get(VERSION_HEADER);
      return { atMs, version: version === null ? undefined : Number(version), isError: !reply.ok };
    } catch {
      return { atMs, version: undefined, isError: true };
    }
  }
}
