/** The logins of operators. They live in memory, so a restart of the daemon ends them. */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Tries } from "./tries.ts";

/** A login ends after a working day. */
const SESSION_MS = 8 * 3_600_000;

/** Beyond that, the oldest login ends. */
const SESSIONS_MAX = 100;

/** The name of an operator stands in records and logs. */
const NAME = /^[\p{L}\p{N}._@-]{1,64}$/u;

export function isOperatorName(name: string): boolean {
  return NAME.test(name);
}

export type LogIn =
  | { readonly kind: "in"; readonly id: string }
  | { readonly kind: "wrong" | "bad-name" | "too-often" };

interface Session {
  readonly name: string;
  readonly endsAtMs: number;
}

export interface LogInFrom {
  /** The clients whose wrong tokens count together. */
  readonly client: string;
  /** Aborts when the client leaves. */
  readonly leaving: AbortSignal;
}

export interface SessionsOptions {
  readonly token: string;
  readonly tries: Tries;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
}

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<string, Session>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  async logIn(name: string, token: string, { client, leaving }: LogInFrom): Promise<LogIn> {
    if (!isOperatorName(name)) return { kind: "bad-name" };
    const result = await this.#options.tries.try(client, leaving, () => isSame(token, this.#options.token));
    if (result !== "right") return { kind: result };
    const id = randomBytes(24).toString("base64url");
    this.#sessions.set(id, { name, endsAtMs: this.#options.clock() + SESSION_MS });
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= SESSIONS_MAX) break;
      this.#sessions.delete(oldest);
    }
    return { kind: "in", id };
  }

  logOut(id: string): void {
    this.#sessions.delete(id);
  }

  /** The operator of a login; undefined if there is none, or if it has ended. */
  nameOf(id: string): string | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined) return undefined;
    if (this.#options.clock() < session.endsAtMs) return session.name;
    this.#sessions.delete(id);
    return undefined;
  }
}

/** Takes as long for each wrong text. */
export function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
