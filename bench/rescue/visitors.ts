/**
 * The visitors of one application, while its canary fails for every visitor, and a witness that sees when the
 * last proxy has sent them back.
 *
 * Visitors come at an even pace, each with an assignment and a network of its own, and to a proxy at random.
 * In each group of visitors one is the canary's, at a random place. From the third victim on, the witness
 * asks each proxy again and again. It is in the canary's arc, and gets no error, so the judge learns nothing
 * from it.
 */

import { request } from "node:http";
import { WITNESS } from "./versions.ts";

export interface Pace {
  readonly everyMs: number;
  /** The size of the groups of visitors, in each of which one is the canary's. */
  readonly canaryOneIn: number;
}

export interface RescueOptions {
  /** The proxies. */
  readonly urls: readonly string[];
  /** The canary's arc. */
  readonly offset: number;
  readonly share: number;
  readonly pace: Pace;
  /** When outcomes begin to count for the judge, by `performance.now`. */
  readonly countsFromMs: number;
}

export interface Rescued {
  /** From the third victim's answer to the last answer of the canary. */
  readonly tookMs: number;
  /** Visitors who got an error, also those that came before outcomes count. */
  readonly hurt: number;
}

/** The judge needs this many. */
const VICTIMS = 3;

/**
 * The judge's clock may differ from this one. So no visitor of the canary comes for this long before outcomes
 * count.
 */
const UNSURE_MS = 2_000;

const WITNESS_EVERY_MS = 100;

/** If the canary has not answered for this long, the rescue is over. */
const QUIET_MS = 2_000;

/** After this time a rescue is given up. */
const RESCUE_MS_MAX = 30_000;

/** Three of this many visitors of the canary must be victims. */
const CANARY_VISITORS_MAX = 6;

const ANSWER_MS_MAX = 10_000;

export class Rescue {
  readonly #options: RescueOptions;
  #visitors = 0;
  #hurt = 0;
  /** Victims that count for the judge. */
  #victims = 0;
  #thirdAtMs: number | undefined;
  #lastCanaryAtMs = Number.NaN;
  #hasFailed = false;

  constructor(options: RescueOptions) {
    this.#options = options;
  }

  /** Resolves when no proxy sends visitors to the canary any more. */
  async run(): Promise<Rescued> {
    const { urls } = this.#options;
    try {
      await Promise.all([this.#come(), ...urls.map((url) => this.#witness(url))]);
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    }
    return { tookMs: this.#lastCanaryAtMs - (this.#thirdAtMs ?? Number.NaN), hurt: this.#hurt };
  }

  get #isOver(): boolean {
    if (this.#hasFailed) return true;
    if (this.#thirdAtMs === undefined) return false;
    const nowMs = performance.now();
    return nowMs - this.#lastCanaryAtMs > QUIET_MS || nowMs - this.#thirdAtMs > RESCUE_MS_MAX;
  }

  /** A visitor does not wait for the answer of the one before. */
  async #come(): Promise<void> {
    const { pace, countsFromMs } = this.#options;
    const visits: Promise<void>[] = [];
    const failure = Promise.withResolvers<never>();
    let canaryPlace = Number.NaN;
    let place = Math.floor((performance.now() - countsFromMs) / pace.everyMs);
    for (; !this.#isOver; place++) {
      if (this.#thirdAtMs === undefined && place > CANARY_VISITORS_MAX * pace.canaryOneIn) {
        throw new Error("the canary has too few victims");
      }
      if (place % pace.canaryOneIn === 0) canaryPlace = place + this.#drawPlace(place);
      const waitMs = countsFromMs + place * pace.everyMs - performance.now();
      await Promise.race([Bun.sleep(Math.max(0, waitMs)), failure.promise]);
      const visit = this.#visit(place === canaryPlace, place >= 0);
      visit.catch(failure.reject);
      visits.push(visit);
    }
    await Promise.all(visits);
  }

  /** The place of the canary's visitor among those that begin here. */
  #drawPlace(first: number): number {
    const { everyMs, canaryOneIn } = this.#options.pace;
    const isBeforeCount = first === -canaryOneIn;
    return Math.floor(Math.random() * (isBeforeCount ? canaryOneIn - UNSURE_MS / everyMs : canaryOneIn));
  }

  /** @param counts whether the visitor comes when outcomes count: a timer may end too early to see it */
  async #visit(isCanary: boolean, counts: boolean): Promise<void> {
    const { urls, offset, share } = this.#options;
    const distance = isCanary ? share * Math.random() : share + (1 - share) * Math.random();
    const url = urls[Math.floor(Math.random() * urls.length)] ?? "";
    const status = await statusOf(url, cookieOf(offset + distance), this.#visitors++);
    const answeredAtMs = performance.now();
    if (status !== (isCanary ? 500 : 200)) {
      const isRescued = isCanary && status === 200 && this.#thirdAtMs !== undefined;
      if (isRescued || !counts) return;
      throw new Error(`${url} answers ${status} to a visitor of ${isCanary ? "the canary" : "master"}`);
    }
    if (!isCanary) return;
    this.#hurt++;
    this.#lastCanaryAtMs = answeredAtMs;
    if (counts && ++this.#victims === VICTIMS) this.#thirdAtMs = answeredAtMs;
  }

  async #witness(url: string): Promise<void> {
    const { offset, share } = this.#options;
    const headers = { cookie: cookieOf(offset + share / 2), [WITNESS]: "1" };
    while (!this.#isOver) {
      await Bun.sleep(WITNESS_EVERY_MS);
      if (this.#thirdAtMs === undefined) continue;
      const response = await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_MS_MAX) });
      if ((await response.text()) === "canary") this.#lastCanaryAtMs = performance.now();
    }
  }
}

function cookieOf(place: number): string {
  return `maxwellsdaemon=${(place % 1).toFixed(9)}`;
}

/** The status that a visitor gets, over a connection and from a network of its own. */
function statusOf(url: string, cookie: string, visitor: number): Promise<number> {
  const localAddress = `127.${1 + (visitor >> 8)}.${visitor & 255}.1`;
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    request(url, { localAddress, agent: false, headers: { cookie }, signal }, (response) => {
      response.on("end", () => resolve(response.statusCode ?? 0)).resume();
    })
      .on("error", reject)
      .end();
  });
}
