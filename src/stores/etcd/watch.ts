/**
 * Reports that something below the prefix has changed, by one stream of etcd's for all applications of a
 * store. If there is one application only, the stream is of that one, and its daemon needs no further rights.
 *
 * A watch begins at the present, and listeners are nudged once it stands: the read that follows has all that
 * was before, the stream what comes after. So nothing has to be remembered from one stream to the next. A
 * compaction in between, or an older state on another member, needs no code of its own.
 *
 * A stream may be dead without a sound, and the gateway cannot be asked along it. So one on which nothing
 * came for a while is followed by another. Until then, the feed's poll finds changes.
 */

import { Slices } from "../../slices.ts";
import { hasMoreValues, nestsTooDeeply } from "../shared/json-text.ts";
import { Listeners } from "../shared/listeners.ts";
import { isStaleToken } from "./faults.ts";
import type { EtcdGateway } from "./gateway.ts";
import { applicationOf, below, directoryOf } from "./keys.ts";
import { linesOf } from "./lines.ts";
import { asJson, type Json } from "./records.ts";

/** A stream on which nothing came for so long is replaced. */
export const SILENCE_MS = 20_000;

/**
 * Events of many keys may come in one line, which has their values, too. A longer one, or one of more values,
 * would make visitors wait: it ends its stream, and the next one nudges.
 */
const LINE_BYTES_MAX = 512 * 1024;
const LINE_VALUES_MAX = 8_192;

export interface EtcdWatchOptions {
  readonly gateway: EtcdGateway;
  readonly prefix: string;
  readonly warn: (message: string) => void;
  readonly silenceMs?: number;
}

export class EtcdWatch {
  readonly #options: EtcdWatchOptions;
  readonly #listeners = new Listeners((ending) => this.#follow(ending));
  /** Ends the stream of the moment; another follows. */
  #stream = new AbortController();
  /** The range of the present stream. */
  #directory = "";
  #isWarned = false;
  /** The stream of the moment has begun, which it can do only once. */
  #isCreated = false;

  constructor(options: EtcdWatchOptions) {
    this.#options = options;
  }

  /** Calls `changed` from now on, and whenever a stream begins. */
  add(application: string, changed: () => void): () => void {
    const end = this.#listeners.add(application, changed);
    if (this.#directory !== this.#wanted()) this.#stream.abort();
    // Its stream may have begun already.
    else changed();
    return end;
  }

  close(): Promise<void> {
    return this.#listeners.close();
  }

  /** Until the stream ends, in whatever way. */
  async #follow(ending: AbortSignal): Promise<void> {
    this.#stream = new AbortController();
    this.#isCreated = false;
    this.#directory = this.#wanted();
    const { gateway, silenceMs = SILENCE_MS } = this.#options;
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), silenceMs);
    const inTime = AbortSignal.any([ending, this.#stream.signal, silence.signal]);
    try {
      const stream = await gateway.stream("/v3/watch", { create_request: below(this.#directory) }, inTime);
      const slices = new Slices();
      for await (const line of linesOf(stream, LINE_BYTES_MAX)) {
        timer.refresh();
        if (inTime.aborted || !this.#hear(line)) return;
        // A server that sends lines without end must not take all of the time.
        if (slices.isOverNow()) await slices.next();
      }
    } finally {
      clearTimeout(timer);
      // Also if no code reads its end.
      silence.abort();
    }
  }

  /** @returns whether the stream goes on */
  #hear(line: string): boolean {
    if (hasMoreValues(line, LINE_VALUES_MAX) || nestsTooDeeply(line)) return false;
    const result = asJson(asJson(JSON.parse(line))?.["result"]);
    if (result === undefined) return false;
    if (result["canceled"] === true) {
      this.#wasCanceled(result);
      return false;
    }
    if (result["created"] === true && !this.#isCreated) {
      this.#isCreated = true;
      this.#listeners.nudgeAll();
    }
    const { events } = result;
    const changed = new Set(Array.isArray(events) ? events.map((event) => this.#applicationOf(event)) : []);
    for (const application of changed) if (application !== undefined) this.#listeners.nudge(application);
    return true;
  }

  /**
   * etcd ends a watch that has fallen behind what it remembers, of a user without the right, or with a stale
   * token.
   */
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
    if (this.#listeners.count > 1) return prefix;
    const [only = ""] = this.#listeners.applications;
    return directoryOf(prefix, only);
  }
}
