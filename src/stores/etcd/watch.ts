/**
 * Reports changes below the prefix, over one stream of etcd for all applications of a store. If there is only
 * one application, the stream has its range only, so its daemon needs no further rights.
 *
 * A watch begins at the present, and listeners are nudged when it has begun. The read that follows has all
 * earlier changes, and the stream brings the later ones. So nothing has to be remembered from one stream to
 * the next, and a compaction in between, or an older state on another member, needs no special code.
 *
 * A stream may be dead without an error, and the gateway cannot be pinged over it. So a stream without data
 * is replaced after a while. Until then, the feed's poll finds changes.
 */

import { Slices } from "../../slices.ts";
import { hasMoreValues, nestsTooDeeply } from "../shared/json-text.ts";
import { Listeners } from "../shared/listeners.ts";
import { isStaleToken } from "./faults.ts";
import type { EtcdGateway } from "./gateway.ts";
import { applicationOf, below, directoryOf } from "./keys.ts";
import { linesOf } from "./lines.ts";
import { asJson, type Json } from "./records.ts";

/** A stream without data for this long is replaced. */
export const SILENCE_MS = 20_000;

/**
 * The limits of a line, which may have events of many keys with their values. A longer line would make
 * visitors wait, so it ends its stream, and the next stream nudges.
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
  /** Ends the current stream; another one follows. */
  #stream = new AbortController();
  /** The range of the current stream. */
  #directory = "";
  #isWarned = false;
  /** Whether the current stream has begun. */
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

  /** Follows one stream until it ends for any reason. */
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
        // A server that sends lines without end must not keep the event loop busy.
        if (slices.isOverNow()) await slices.next();
      }
    } finally {
      clearTimeout(timer);
      // The stream must end even if it was not read to its end.
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
   * etcd ends a watch if its revision is compacted, if the user lacks the right, or if the token is stale.
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
