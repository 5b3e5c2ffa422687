/** A store whose answers, and their times, are the test's. */

import type { Snapshot, Store } from "../../src/stores/store.ts";

/** A read that waits for its answer. */
export interface Asked {
  readonly application: string;
  readonly atMs: number;
  readonly signal: AbortSignal;
  answer(snapshot: Snapshot): void;
  refuse(error: Error): void;
}

export class ScriptedStore implements Store {
  readonly address = "scripted:";
  /** All reads so far. */
  readonly asked: Asked[] = [];
  readonly #nudges = new Set<() => void>();
  /** The answer that reads get at once. If undefined, they wait for their test. */
  script: (() => Snapshot) | undefined;

  async read(application: string, signal: AbortSignal): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      this.asked.push({ application, atMs: performance.now(), signal, answer: resolve, refuse: reject });
      if (this.script === undefined) return;
      try {
        resolve(this.script());
      } catch (error) {
        reject(error);
      }
    });
  }

  watch(_application: string, changed: () => void): () => void {
    this.#nudges.add(changed);
    return () => this.#nudges.delete(changed);
  }

  /** How many watches have not ended. */
  get watches(): number {
    return this.#nudges.size;
  }

  nudge(): void {
    for (const changed of this.#nudges) changed();
  }

  /** The last read. */
  get latest(): Asked {
    const latest = this.asked.at(-1);
    if (latest === undefined) throw new Error("nothing was read");
    return latest;
  }

  async close(): Promise<void> {}
}

/** A snapshot of bare values by version. */
export function snapshotOf(values: Readonly<Record<string, unknown>>): Snapshot {
  return new Map(Object.entries(values).map(([version, value]) => [version, { value, revision: "1" }]));
}
