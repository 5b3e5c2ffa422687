/** The events of a run, as lines that a person can read. They are kept only for a person who asks. */

import type { Scheduler } from "./scheduler.ts";

export class Timeline {
  readonly isKept: boolean;
  readonly lines: string[] = [];
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler, isKept: boolean) {
    this.#scheduler = scheduler;
    this.isKept = isKept;
  }

  /** @param actor the name of a process, or of another thing to which this happens */
  tell(actor: string, text: string): void {
    if (!this.isKept) return;
    this.lines.push(
      `${(this.#scheduler.nowMs / 1_000).toFixed(3).padStart(10)}s  ${actor.padEnd(10)} ${text}`,
    );
  }
}
