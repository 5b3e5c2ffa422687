/** The exchanges of a daemon, one for each release. Its parts share them. */

import type { EvidenceLog } from "../stores/evidence.ts";
import { Exchange, type ExchangeParts } from "./exchange.ts";
import type { Member } from "./member.ts";

/** A member's place in an exchange. */
export interface Place {
  /** When all news was read last, on the monotonic clock; -Infinity for never. */
  readonly readAtMs: number;
  /** The times of the member may have changed. */
  reconsider(): void;
  /** Tells at once what the members still have. Never rejects, and takes as long as the store's calls. */
  flush(): Promise<void>;
  /** Ends the part of the member. Resolves when what is under way has ended. */
  leave(): Promise<void>;
}

export class Exchanges {
  readonly #parts: ExchangeParts;
  readonly #open = new Map<string, Exchange>();

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  join(at: EvidenceLog, member: Member): Place {
    const name = `${at.application}\0${at.key}`;
    const exchange = this.#open.get(name) ?? new Exchange(at, this.#parts);
    this.#open.set(name, exchange);
    exchange.add(member);
    return {
      get readAtMs() {
        return exchange.readAtMs;
      },
      reconsider: () => exchange.reconsider(),
      flush: () => exchange.flush(),
      leave: async () => {
        if (!exchange.remove(member)) return;
        if (this.#open.get(name) === exchange) this.#open.delete(name);
        await exchange.close();
      },
    };
  }
}
