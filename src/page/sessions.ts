/** The logins of operators. They live in memory, so a restart of the daemon ends them. */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** A login ends after a working day. */
const SESSION_MS = 8 * 3_600_000;

/** Beyond that, the oldest login ends. */
const SESSIONS_MAX = 100;

/** Logins that may fail within `TRIES_MS`, over all clients. A token cannot be guessed at this pace. */
const TRIES_MAX = 5;
const TRIES_MS = 60_000;

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

export class Sessions {
  readonly #token: string;
  readonly #clock: () => number;
  readonly #sessions = new Map<string, Session>();
  #failures: number[] = [];

  /** @param clock monotonic, in milliseconds */
  constructor(token: string, clock: () => number) {
    this.#token = token;
    this.#clock = clock;
  }

  logIn(name: string, token: string): LogIn {
    const nowMs = this.#clock();
    this.#failures = this.#failures.filter((atMs) => nowMs - atMs < TRIES_MS);
    if (this.#failures.length >= TRIES_MAX) return { kind: "too-often" };
    if (!isOperatorName(name)) return { kind: "bad-name" };
    if (!isSame(token, this.#token)) {
      this.#failures.push(nowMs);
      return { kind: "wrong" };
    }
    const id = randomBytes(24).toString("base64url");
    this.#sessions.set(id, { name, endsAtMs: nowMs + SESSION_MS });
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
    if (this.#clock() < session.endsAtMs) return session.name;
    this.#sessions.delete(id);
    return undefined;
  }
}

/** Takes as long for each wrong text. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
