/**
 * Tells when something below the prefix has changed: one stream of etcd's for all applications of a store, or for the one
 * application where there is no other, whose daemon then needs no more rights than to that.
 *
 * A watch begins at the present, and listeners are nudged once it stands: the read that follows has all that was before, the
 * stream what comes after. So nothing has to be remembered from one stream to the next, and what etcd has compacted in
 * between, or an older state on another member, is no case of its own.
 *
 * A stream may be dead without a sound, and the gateway cannot be asked along it. So one on which nothing came for a while
 * is followed by another. Until then, the feed's poll finds changes.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs } from "../backoff.ts";
import { isStaleToken } from "./faults.ts";
import type { EtcdGateway } from "./gateway.ts";
import { applicationOf, below, directoryOf } from "./keys.ts";
import { linesOf } from "./lines.ts";
import { asJson, type Json } from "./records.ts";

/** A stream on which nothing came for so long is replaced. */
export const SILENCE_MS = 20_000;

/** A stream that has lasted so long was sound: the next one waits no longer for the failures before it. */
const SOUND_MS = 5_000;

/** Events of many keys may come in one line. A longer one ends its stream, and the next one nudges. */
const LINE_BYTES_MAX = 2 * 1024 * 1024;

export interface EtcdWatchOptions {
  readonly gateway: EtcdGateway;
  readonly prefix: string;
  readonly warn: (message: string) => void;
  readonly silenceMs?: number;
  readonly random?: () => number;
}

export class EtcdWatch {
  readonly #options: EtcdWatchOptions;
  readonly #listeners = new Map<string, Set<() => void>>();
  #ending: AbortController | undefined;
  /** Ends the stream of the moment; another follows. */
  #stream = new AbortController();
  /** What the stream of the moment is of. */
  #directory = "";
  #isWarned = false;

  constructor(options: EtcdWatchOptions) {
    this.#options = options;
  }

  /** Calls `changed` from now on, and whenever a stream begins. */
  add(application: string, changed: () => void): () => void {
    const listener = () => changed();
    const listeners = this.#listeners.get(application) ?? new Set();
    this.#listeners.set(application, listeners.add(listener));
    if (this.#ending === undefined) {
      this.#ending = new AbortController();
      void this.#run(this.#ending.signal);
    } else if (this.#directory !== this.#wanted()) {
      this.#stream.abort();
    } else {
      // Its stream may have begun already.
      listener();
    }
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(application);
      if (this.#listeners.size === 0) this.close();
    };
  }

  close(): void {
    this.#listeners.clear();
    this.#ending?.abort();
    this.#ending = undefined;
  }

  /** Never rejects. */
  async #run(ending: AbortSignal): Promise<void> {
    const { random = Math.random } = this.#options;
    // Whoever watches several applications adds them in one go.
    await Promise.resolve();
    let failures = 0;
    while (!ending.aborted) {
      const beganMs = performance.now();
      this.#stream = new AbortController();
      this.#directory = this.#wanted();
      try {
        await this.#follow(this.#directory, AbortSignal.any([ending, this.#stream.signal]));
      } catch {
        // The feed's reads meet the same and tell of it.
      }
      failures = performance.now() - beganMs >= SOUND_MS ? 1 : failures + 1;
      await sleep(backoffMs(failures, random()), undefined, { signal: ending }).catch(() => {});
    }
  }

  /** Until the stream ends, in whatever way. */
  async #follow(directory: string, signal: AbortSignal): Promise<void> {
    const { gateway, silenceMs = SILENCE_MS } = this.#options;
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), silenceMs);
    const inTime = AbortSignal.any([signal, silence.signal]);
    try {
      const stream = await gateway.stream("/v3/watch", { create_request: below(directory) }, inTime);
      for await (const line of linesOf(stream, LINE_BYTES_MAX)) {
        timer.refresh();
        if (inTime.aborted || !this.#hear(line)) return;
      }
    } finally {
      clearTimeout(timer);
      // Also where nobody reads its end.
      silence.abort();
    }
  }

  /** @returns whether the stream goes on */
  #hear(line: string): boolean {
    const result = asJson(asJson(JSON.parse(line))?.["result"]);
    if (result === undefined) return false;
    if (result["canceled"] === true) {
      this.#wasCanceled(result);
      return false;
    }
    if (result["created"] === true) this.#nudgeAll();
    const { events } = result;
    if (Array.isArray(events)) this.#nudge(new Set(events.map((event) => this.#applicationOf(event))));
    return true;
  }

  /** etcd ends a watch that has fallen behind what it remembers, or of somebody who may not, or whose token is stale. */
  #wasCanceled(result: Json): void {
    const { gateway, warn } = this.#options;
    const reason = String(result["cancel_reason"] ?? "");
    if (isStaleToken({ text: reason })) gateway.forgetToken();
    if (!reason.includes("permission denied") || this.#isWarned) return;
    this.#isWarned = true;
    warn(
      "this user may not watch all applications, so changes are found by the poll; see the rights in docs/stores/etcd.md",
    );
  }

  #applicationOf(event: unknown): string | undefined {
    const key = asJson(asJson(event)?.["kv"])?.["key"];
    return typeof key === "string" ? applicationOf(this.#options.prefix, key) : undefined;
  }

  #wanted(): string {
    const { prefix } = this.#options;
    const [first = "", ...others] = this.#listeners.keys();
    return others.length === 0 ? directoryOf(prefix, first) : prefix;
  }

  #nudgeAll(): void {
    this.#nudge(new Set(this.#listeners.keys()));
  }

  #nudge(applications: ReadonlySet<string | undefined>): void {
    for (const [application, listeners] of this.#listeners) {
      if (!applications.has(application)) continue;
      for (const listener of listeners) listener();
    }
  }
}
