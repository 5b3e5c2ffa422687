/** An integration at work for the reporting suite: a `Rig`, and a test that hears the proxy's outcomes. */

import { expect } from "bun:test";
import { join } from "node:path";
import type { Outcome } from "../../../src/intake/outcome.ts";
import { freePort } from "../../support/port.ts";
import type { Integration, OperatorChanges } from "../conformance/integration.ts";
import { Rig } from "../conformance/rig.ts";
import { Heard } from "./heard.ts";
import { type Listener, startListener } from "./listener.ts";
import { startTap, type Tap } from "./tap.ts";

/** A proxy may keep an outcome this long before it reports it. */
const REPORTED_MS = 3_000;
const LOOK_EVERY_MS = 10;

/**
 * If no outcome comes, the daemon's answer may have been late, because this machine was busy. Then the next
 * visitor tries. A proxy that loses outcomes still fails, because the daemon is not late that often.
 */
const VISITORS_MAX = 5;

/** The arcs of the visitors of both versions, from which each visit takes an assignment of its own. */
const ARCS = { canary: [0.01, 0.24], master: [0.26, 0.99] } as const;

const CHANGES: OperatorChanges = { answerTimeoutMs: 2_000, deniedPath: "/denied" };

export type Version = keyof typeof ARCS;

export class Site {
  readonly rig: Rig;
  readonly heard: Heard;
  #listener: Listener;
  readonly #taps: readonly Tap[];
  #visits = 0;

  private constructor(rig: Rig, heard: Heard, listener: Listener, taps: readonly Tap[]) {
    this.rig = rig;
    this.heard = heard;
    this.#listener = listener;
    this.#taps = taps;
  }

  static async start(integration: Integration, { allowForce }: { allowForce: boolean }): Promise<Site> {
    const heard = new Heard();
    const listener = await startListener(heard);
    const taps: Tap[] = [];
    const rig = await Rig.start(integration, {
      allowForce,
      outcomesPort: listener.port,
      changes: CHANGES,
      socketFor: (socket, directory) => {
        const tap = startTap(join(directory, "tap.sock"), socket, heard);
        taps.push(tap);
        return tap.path;
      },
    });
    return new Site(rig, heard, listener, taps);
  }

  async stop(): Promise<void> {
    await this.rig.stop();
    for (const tap of this.#taps) tap.stop();
    this.#listener.stop();
  }

  /** An assignment of this version's visitors that no visit had before, of at most five decimals. */
  assignment(version: Version): number {
    const [from, to] = ARCS[version];
    const step = (to - from) / 1_000;
    this.#visits++;
    return Number((from + step * (this.#visits % 1_000) + 1e-5).toFixed(5));
  }

  /**
   * Lets a visitor of `version` make a visit, and resolves with the outcome that the proxy reports of it. If
   * the proxy reports none, another visitor tries.
   */
  async outcome(version: Version, visit: (assignment: number) => Promise<unknown>): Promise<Outcome> {
    for (let visitor = 0; visitor < VISITORS_MAX; visitor++) {
      const assignment = this.assignment(version);
      await visit(assignment);
      const outcome = await this.#reported(assignment);
      if (outcome !== undefined) return outcome;
    }
    throw new Error(`no outcome; refused: ${this.heard.refused.join("\n")}\n${this.rig.log}`);
  }

  /** A visitor's headers, with the cookie of its assignment. */
  headers(assignment: number, more: Readonly<Record<string, string>> = {}): [string, string][] {
    return [["cookie", this.rig.cookieOf(assignment)], ...Object.entries(more)];
  }

  /** The outcome of an ordinary visit with these headers. */
  visited(version: Version, more: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    return this.outcome(version, (assignment) => this.rig.visit({ headers: this.headers(assignment, more) }));
  }

  /** Makes visits that have no outcome, and proves that none was reported. */
  async silent(visits: () => Promise<unknown>): Promise<void> {
    // No event marks that all outcomes are there, or that none comes.
    await Bun.sleep(REPORTED_MS / 2);
    const [heard, refused] = [this.heard.outcomes.length, this.heard.refused.length];
    await visits();
    await Bun.sleep(REPORTED_MS / 2);
    expect(this.heard.outcomes.slice(heard)).toEqual([]);
    expect(this.heard.refused.slice(refused)).toEqual([]);
  }

  /** Puts a server that is not there beside master's while `use` runs. */
  async withDeadServer(use: () => Promise<void>): Promise<void> {
    const deadServer = join(this.rig.directory, "dead.sock");
    await this.#whileChanged({ ...CHANGES, deadServer, deadPort: await freePort() }, use);
  }

  /** No program hears outcomes while `use` runs. */
  async whileUnheard(use: () => Promise<void>): Promise<void> {
    this.#listener.stop();
    try {
      await use();
    } finally {
      this.#listener = await startListener(this.heard, this.#listener.port);
    }
  }

  /** The operator has this proxy report good outcomes for a tenth of the assignments while `use` runs. */
  async whileSharing(use: () => Promise<void>): Promise<void> {
    await this.#whileChanged({ ...CHANGES, isSharing: true }, use);
  }

  async #whileChanged(changes: OperatorChanges, use: () => Promise<void>): Promise<void> {
    await this.rig.restart(changes);
    try {
      await this.rig.becomes(0.1, "canary");
      await this.rig.settles();
      await use();
    } finally {
      await this.rig.restart();
      await this.rig.becomes(0.1, "canary");
      await this.rig.settles();
    }
  }

  async #reported(assignment: number): Promise<Outcome | undefined> {
    const deadline = performance.now() + REPORTED_MS;
    while (performance.now() < deadline) {
      const [outcome, ...more] = this.heard.of(assignment);
      expect(more).toEqual([]);
      if (outcome !== undefined) return outcome;
      await Bun.sleep(LOOK_EVERY_MS);
    }
    return undefined;
  }
}
