/**
 * A part of the daemon that takes part in the exchange of news about one release: it tells, it listens, or
 * both. Several parts of one daemon share one exchange, so that the store gets one write and one read.
 *
 * All methods return at once, and do not throw.
 */

import type { News } from "../evidence/news.ts";

export interface Member {
  /** When it wants to tell something, on the monotonic clock. It may be past; Infinity for nothing. */
  tellsAtMs(): number;

  /**
   * The news to tell now, the most important first. The exchange may take only the first of them, or fail
   * with all. So they stay the member's until `taken`.
   */
  news(nowMs: number): readonly News[];

  /** The store has these of the last `news`. It is not called if it has none of them. */
  taken(news: readonly News[]): void;

  /**
   * When it wants to hear what is new next, on the monotonic clock; Infinity for never.
   *
   * @param readAtMs when all was read last; -Infinity for never
   */
  listensAtMs(readAtMs: number): number;

  /**
   * News of all daemons, also of this one, and in any order.
   *
   * @param areOld whether they were there before the first read
   */
  hear(news: readonly News[], areOld: boolean): void;

  /** All that was there has been read. */
  heardAll(): void;
}
