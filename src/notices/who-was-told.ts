/** Which notices an address has had already, as the evidence of all controllers says. */

import type { Told } from "../evidence/news.ts";
import type { Log } from "../log/log.ts";
import type { EvidenceLog } from "../stores/evidence.ts";
import { errorMessage } from "../text/error-message.ts";
import type { Timers } from "../timers.ts";
import { bounded } from "./bounded.ts";
import type { Destination } from "./form.ts";
import { type NoticeMessage, noticeId } from "./notice.ts";

/** A store that does not say in this time who was told is not waited for. */
export const READ_MS = 5_000;

/** The part of the evidence that says who was told. */
export interface ToldEvidence {
  /** All that the store has now for this release. Rejects if the store does not answer. */
  read(log: EvidenceLog, signal: AbortSignal): Promise<readonly Told[]>;
  /** Adds to the evidence, soon. */
  add(log: EvidenceLog, told: Told): void;
  /** Adds what waits, within half a second. */
  close(): Promise<void>;
}

export interface WhoWasToldOptions {
  /** Undefined if the store has no evidence. */
  readonly told: ToldEvidence | undefined;
  readonly timers: Timers;
  readonly log: Log;
  /** Aborted when the sender closes. */
  readonly ending: AbortSignal;
}

export class WhoWasTold {
  readonly #options: WhoWasToldOptions;

  constructor(options: WhoWasToldOptions) {
    this.#options = options;
  }

  /** Whether anything outlasts this process. Without evidence, nothing says what an earlier one has told. */
  get isKnown(): boolean {
    return this.#options.told !== undefined;
  }

  /** All notices of a release that were told. Never rejects. */
  async of(evidence: EvidenceLog): Promise<readonly Told[]> {
    const { told, timers, log, ending } = this.#options;
    if (told === undefined) return [];
    try {
      return await bounded(timers, READ_MS, ending, (signal) => told.read(evidence, signal));
    } catch (error) {
      if (ending.aborted) return [];
      // A notice that comes twice is better than none.
      log.warn("the store does not say which notices were sent, so a notice may come twice", {
        application: evidence.application,
        error: errorMessage(error),
      });
      return [];
    }
  }

  async isTold({ application, key, id }: NoticeMessage, { mark }: Destination): Promise<boolean> {
    const told = await this.of({ application, key });
    return told.some((each) => each.to === mark && noticeId(key, each) === id);
  }

  add({ application, key, told }: NoticeMessage, { mark }: Destination): void {
    this.#options.told?.add({ application, key }, { kind: "told", to: mark, ...told });
  }

  async close(): Promise<void> {
    await this.#options.told?.close();
  }
}
