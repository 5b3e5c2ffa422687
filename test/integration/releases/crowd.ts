/**
 * Visitors of a site, who come again and again: a fixed set of assignments, and new visitors, who get their
 * assignment there and keep it. Each of them makes one request at a time, so that its answers have an order.
 */

import type { Site } from "./site.ts";

/** Multiples of 1/KNOWN, so that some of them are at the ends of arcs. */
const KNOWN = 40;

/** New visitors come again until there are this many; later ones come once. */
const ALL_MAX = 120;

/** Each eighth visit of a lane is that of a new visitor. */
const NEW_EVERY = 8;

const AT_ONCE = 4;
const PAUSE_MS = 20;

/** So that a cookie is longer than the spelling that a daemon repeats, and not too long for nginx. */
const DECIMALS = 26;

/** An answer to a visitor with an assignment. */
export interface Answer {
  readonly visitor: Visitor;
  readonly name: string;
  /** By `performance.now`. */
  readonly askedMs: number;
  readonly answeredMs: number;
}

export interface Visitor {
  readonly assignment: number;
  readonly cookie: string;
  /** The version that served it last, if a daemon decided that. */
  last: string | undefined;
}

export class Crowd {
  readonly visitors: Visitor[] = Array.from({ length: KNOWN }, (_, index) => visitorOf(`${index / KNOWN}`));
  /** Answers that the daemon decided, in their order. */
  readonly answers: Answer[] = [];
  /** All that visitors saw and that no visitor should see. */
  readonly errors: string[] = [];
  readonly #site: Site;
  #isClosed = false;
  readonly #coming: Promise<unknown>;

  constructor(site: Site) {
    this.#site = site;
    this.#coming = Promise.all(Array.from({ length: AT_ONCE }, (_, lane) => this.#come(lane)));
  }

  /** Whether this version served each visitor that comes again with the last answer of a daemon. */
  isAllAt(name: string): boolean {
    return this.visitors.every(({ last }) => last === name);
  }

  /** The visitors leave. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#coming;
  }

  /** Each lane has visitors of its own, who come in turn. */
  async #come(lane: number): Promise<void> {
    let next = lane;
    for (let visit = 1; !this.#isClosed; visit++) {
      const known = visit % NEW_EVERY === 0 ? undefined : this.visitors[next];
      if (known !== undefined) next = next + AT_ONCE < this.visitors.length ? next + AT_ONCE : lane;
      await this.#visit(known).catch((error) => this.errors.push(String(error)));
      await Bun.sleep(PAUSE_MS);
    }
  }

  async #visit(known: Visitor | undefined): Promise<void> {
    const askedMs = performance.now();
    const { status, name, cookie } = await this.#site.visit(known?.cookie);
    const answeredMs = performance.now();
    if (status !== 200) this.errors.push(`status ${status}`);
    // If nginx waits too long for the daemon, master serves without a decision, and without a cookie.
    if (cookie === undefined && (known === undefined || this.#site.way === "ask")) return;
    const visitor = known ?? visitorOf(cookie ?? "");
    visitor.last = name;
    this.answers.push({ visitor, name, askedMs, answeredMs });
    if (known === undefined && this.visitors.length < ALL_MAX) this.visitors.push(visitor);
  }
}

/**
 * A daemon does not repeat so long a number, but answers with a shorter spelling of it, which nginx gives to
 * the visitor as a new cookie. So a cookie in the answer says that a daemon decided. nginx with a lease
 * decides by itself.
 */
function visitorOf(text: string): Visitor {
  const cookie = Number(text).toFixed(DECIMALS);
  return { assignment: Number(cookie), cookie, last: undefined };
}
