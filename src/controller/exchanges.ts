/** The exchanges of news, one for each release. One ends when it has nothing to do any more. */

import type { Told } from "../evidence/news.ts";
import type { EvidenceLog } from "../stores/evidence.ts";
import { Exchange, type ExchangeParts } from "./exchange.ts";

export class Exchanges {
  readonly #parts: ExchangeParts;
  readonly #byLog = new Map<string, Exchange>();
  #isClosed = false;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  of(at: EvidenceLog): Exchange {
    const name = `${at.application}\0${at.key}`;
    const known = this.#byLog.get(name);
    if (known !== undefined) return known;
    const exchange: Exchange = new Exchange(at, this.#parts, () => {
      if (this.#byLog.get(name) === exchange) this.#byLog.delete(name);
    });
    if (!this.#isClosed) this.#byLog.set(name, exchange);
    return exchange;
  }

  /** All notices of a release that were sent by now. Rejects if the store does not answer. */
  async told(at: EvidenceLog): Promise<readonly Told[]> {
    const exchange = this.of(at);
    await exchange.readNow();
    return exchange.told;
  }

  /** Tells the others, soon, also if the release is over. */
  tell(at: EvidenceLog, told: Told): void {
    this.of(at).tell(told);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(Array.from(this.#byLog.values(), (exchange) => exchange.close()));
  }
}
