/**
 * The laws know three things: the fleet, the store with all its versions, and what came to each process. And
 * the words for a law that is broken.
 */

import type { Commit, Engine } from "../engine.ts";
import type { Process } from "../scheduler.ts";
import { Knowledge, type Sight } from "./knowledge.ts";

/** The law that is broken, and how. Undefined if all is well. */
export type Fault = readonly [law: string, text: string] | undefined;

export interface History {
  readonly engine: Engine;
  readonly unhealthyMs: number;
  /** The verdicts that were reached, by the key of the release. */
  readonly verdicts: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whether a check passes now. */
  readonly hasPassed: (check: string) => boolean;
  /** Otherwise there is one controller, and it judges by what it hears itself. */
  readonly hasEvidence: boolean;
  /** The number of visitors whose outcomes a daemon heard since a true time. */
  readonly visitorsSince: (ms: number) => number;
  /** All that a process has seen. */
  readonly knowledge: (process: Process) => Knowledge;
}

/** All that has come to each process. */
export class AllKnowledge {
  readonly #engine: Engine;
  readonly #all = new Map<Process, Knowledge>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  readonly of = (process: Process): Knowledge => {
    const known = this.#all.get(process) ?? new Knowledge();
    this.#all.set(process, known);
    return known;
  };

  sight(process: Process): Sight {
    const { scheduler, storeMs } = this.#engine;
    return { atMs: scheduler.nowMs, clockMs: process.clock(), storeMs };
  }
}

/** `web-1 wrote canary`. */
export function who({ by, version }: Commit): string {
  return `${by.name} wrote ${version}`;
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)}s`;
}
