/**
 * Tells the log about reports that were dropped: at most once in ten seconds for each reason, with their
 * number and an example. An example is a text from outside, so it is cut, and the log escapes it.
 */

import type { Log } from "../log/log.ts";
import { SYSTEM_TIMERS, type Timers } from "../timers.ts";
import { DROPS, type Drop, type DropReason, type OutcomeCounts } from "./counts.ts";
import type { Examples } from "./intake.ts";
import { UNREADABLE, UNREADABLE_KINDS, type Unreadable } from "./unreadable.ts";

/** Time between two looks at the counts. */
export const TELL_MS = 10_000;

/** An example is cut after this many UTF-16 units. */
const EXAMPLE_LENGTH_MAX = 160;

interface Telling {
  readonly message: string;
  readonly remedy: string;
}

const TELLINGS: Readonly<Record<Drop, Telling>> = {
  "unknown-application": {
    message: "outcomes named an application that is not served here, so they do not count",
    remedy: "name it with -application, or correct the name that the proxy reports",
  },
  foreign: {
    message: "outcomes came from an address that may not report, so they do not count",
    remedy: "let the proxy report to the daemon of its own machine, or name its network with -outcomes-from",
  },
  busy: {
    message: "more outcomes came than the daemon reads beside its visitors, so some of them do not count",
    remedy: "let the proxy report a share of the good outcomes",
  },
  kernel: {
    message: "the kernel had no room for all outcomes, so some of them do not count",
    remedy: "raise net.core.rmem_max, or let the proxy report a share of the good outcomes",
  },
};

function unreadable(kind: Unreadable): Telling {
  const message = "reports of outcomes cannot be read, so they do not count";
  return { message, remedy: UNREADABLE[kind] };
}

export class Tellings implements Examples {
  readonly #counts: OutcomeCounts;
  readonly #log: Log;
  readonly #timers: Timers;
  readonly #told = new Map<DropReason, number>();
  /** The first example of each reason since the last look. */
  readonly #examples = new Map<DropReason, string>();
  #timer: unknown;

  constructor(counts: OutcomeCounts, log: Log, timers: Timers = SYSTEM_TIMERS) {
    this.#counts = counts;
    this.#log = log;
    this.#timers = timers;
  }

  dropped(reason: DropReason, example: string): void {
    if (!this.#examples.has(reason)) this.#examples.set(reason, example.slice(0, EXAMPLE_LENGTH_MAX));
  }

  start(): void {
    this.#timer = this.#timers.set(() => {
      this.look();
      this.start();
    }, TELL_MS);
  }

  /** Tells for the last time. */
  close(): void {
    this.#timers.clear(this.#timer);
    this.look();
  }

  /** Tells each reason for which reports were dropped since the last look. */
  look(): void {
    for (const reason of DROPS) this.#tell(reason, TELLINGS[reason]);
    for (const kind of UNREADABLE_KINDS) this.#tell(`unreadable-${kind}`, unreadable(kind));
    this.#examples.clear();
  }

  #tell(reason: DropReason, { message, remedy }: Telling): void {
    const total = this.#counts.droppedWith(reason);
    if (total === (this.#told.get(reason) ?? 0)) return;
    this.#told.set(reason, total);
    this.#log.warn(message, { problem: reason, total, example: this.#examples.get(reason), remedy });
  }
}
