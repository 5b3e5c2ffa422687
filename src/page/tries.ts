/**
 * Wrong tokens are limited, and no client can keep another one from its login.
 *
 * - **A client** has `TRIES_MAX` wrong tokens in `TRIES_MS`. Then its next ones are refused, and not looked
 *   at.
 * - **All clients** together have one token looked at each `PACE_MS`. A token that comes too early waits for
 *   its turn, and is never refused for that. So an attacker with many addresses makes a login slow, by as
 *   many turns as the listener has connections, and does not stop it. At this pace a token cannot be guessed.
 *
 * Each client that failed in the last `TRIES_MS` is in the table, and the pace bounds their number. A client
 * that has left waits no more, so the listener's connections bound those that wait.
 */

import { isIP } from "node:net";
import { networkOf, type Peer } from "../stream/peer.ts";
import type { Timers } from "../timers.ts";

/** Wrong tokens of one client in `TRIES_MS`. */
export const TRIES_MAX = 5;
export const TRIES_MS = 60_000;

/** Time between the looks at two tokens. */
export const PACE_MS = 100;

export interface TriesOptions {
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  readonly timers: Timers;
}

interface Client {
  /** The tokens that wait for their turn. Each may be wrong. */
  waiting: number;
  /** The times of the wrong ones. */
  failedAtMs: number[];
}

export class Tries {
  readonly #options: TriesOptions;
  readonly #clients = new Map<string, Client>();
  /** The tokens that wait for their turn, in their order. */
  readonly #waiting = new Set<(hasTurn: boolean) => void>();
  /** Set while it is too early for the next turn. */
  #timer: unknown;

  constructor(options: TriesOptions) {
    this.#options = options;
  }

  /** The clients in the table. */
  get size(): number {
    return this.#clients.size;
  }

  /**
   * Looks at a token in its turn.
   *
   * @param leaving aborts when the client leaves
   * @param isRight looks at it, at most once
   */
  async try(
    client: string,
    leaving: AbortSignal,
    isRight: () => boolean,
  ): Promise<"right" | "wrong" | "too-often"> {
    this.#forget();
    const tried = this.#clients.get(client) ?? { waiting: 0, failedAtMs: [] };
    if (tried.waiting + tried.failedAtMs.length >= TRIES_MAX) return "too-often";
    this.#clients.set(client, tried);
    tried.waiting++;
    const hasTurn = await this.#turn(leaving);
    tried.waiting--;
    if (!hasTurn) return "too-often";
    if (isRight()) return "right";
    tried.failedAtMs.push(this.#options.clock());
    return "wrong";
  }

  /** Resolves when it is this one's turn, with false if the client has left. */
  #turn(leaving: AbortSignal): Promise<boolean> {
    if (leaving.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      leaving.addEventListener("abort", () => {
        this.#waiting.delete(resolve);
        resolve(false);
      });
      this.#next();
    });
  }

  /** Gives the next one its turn, now or when the pace allows it. */
  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#timer !== undefined) return;
    this.#waiting.delete(first);
    first(true);
    this.#timer = this.#options.timers.set(() => {
      this.#timer = undefined;
      this.#next();
    }, PACE_MS);
  }

  #forget(): void {
    const sinceMs = this.#options.clock() - TRIES_MS;
    for (const [name, client] of this.#clients) {
      client.failedAtMs = client.failedAtMs.filter((atMs) => atMs > sinceMs);
      if (client.waiting + client.failedAtMs.length === 0) this.#clients.delete(name);
    }
  }
}

/**
 * The client whose tries count together: an address, or a network of IPv6. A proxy on this machine has many
 * clients, and says in `X-Forwarded-For` last which one asks. If another program of this machine writes that
 * header, the pace is still there.
 */
export function clientOf(peer: Peer, headers: ReadonlyMap<string, string>): string {
  if (!isLoopback(peer)) return peer;
  const forwarded = headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() ?? "";
  return isIP(forwarded) === 0 ? peer : `${peer} for ${networkOf(forwarded)}`;
}

const IPV6_LOOPBACK = networkOf("::1");

function isLoopback(peer: Peer): boolean {
  return peer === IPV6_LOOPBACK || (isIP(peer) === 4 && peer.startsWith("127."));
}
