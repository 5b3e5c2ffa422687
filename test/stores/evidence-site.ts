/**
 * A site for the evidence suite: a fleet with real controllers, exchanges and judges over the evidence of a
 * real engine. The records are in memory. Time passes as the test says, and stands still while a call of the
 * engine is under way, so an hour takes seconds.
 */

import type { Judgement } from "../../src/evidence/release-judge.ts";
import { emptyOutcome, type Outcome } from "../../src/intake/outcome.ts";
import type { Evidence } from "../../src/stores/evidence.ts";
import type { Store } from "../../src/stores/store.ts";
import { type Daemon, Fleet } from "../controller/fleet.ts";
import { OFFSET_ZERO } from "../hearing/outcomes.ts";
import { HandTime, settle } from "../support/hand-time.ts";
import { Random } from "../support/random.ts";
import type { StoreHarness } from "./store-suite.ts";

/** The outcomes of the first seconds of a step do not count. */
const GRACE_MS = 11_000;

/** A visitor makes its requests in about this time. */
const VISIT_S = 600;

const AT = { application: "website", version: "canary" } as const;

/** The figures of the meter are compared with those of the pages. */
const SEED = 7;

type Use = { readonly evidence: Evidence; close(): Promise<void> };

/** Outcomes a second, of as many visitors as come in ten minutes. */
export interface Traffic {
  readonly outcomes: number;
  readonly visitors: number;
}

export class Site {
  readonly fleet: Fleet;
  readonly daemons: Daemon[] = [];
  /** Calls of the engine so far. */
  readonly calls = { appends: 0, batches: 0, bytes: 0, reads: 0 };
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #used: Use[] = [];
  readonly #random = new Random(SEED);
  /** The assignments of the visitors who are there. */
  readonly #present: number[] = [];

  private constructor() {
    this.fleet = new Fleet({ time: new HandTime(() => this.#settle()), seed: SEED });
  }

  /** Daemons with a connection of their own each, and a release that has begun with this plan. */
  static async start(harness: StoreHarness, daemons: number, plan: string): Promise<Site> {
    const site = new Site();
    try {
      for (let place = 1; place <= daemons; place++) await site.#add(harness, `web-${place}`);
      // Each run has a log of its own.
      const key = Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString("hex");
      site.fleet.start(plan, { ...OFFSET_ZERO, key });
      await site.fleet.pass(GRACE_MS);
    } catch (error) {
      await site.close();
      throw error;
    }
    return site;
  }

  /** Visitors come for some seconds. `isBad` says which of them meet an error. */
  async visit(seconds: number, { outcomes, visitors }: Traffic, isBad: (assignment: number) => boolean) {
    const random = this.#random;
    while (this.#present.length < visitors) this.#present.push(random.fraction());
    for (let second = 0; second < seconds; second++) {
      for (let outcome = 0; outcome < outcomes; outcome++) {
        if (random.fraction() < visitors / VISIT_S / outcomes) {
          this.#present[random.whole(0, visitors - 1)] = random.fraction();
        }
        const assignment = random.pick(this.#present);
        this.report(assignment, { status: isBad(assignment) ? 500 : 200 }, random.pick(this.daemons));
      }
      await this.fleet.pass(1_000);
    }
  }

  /** One outcome, which these daemons see. Each visitor has a network of its own, if it is not given. */
  report(assignment: number, changes: Partial<Outcome>, ...daemons: readonly Daemon[]): void {
    const network = Math.floor(assignment * 2 ** 16);
    for (const { hearings } of daemons) {
      hearings.take({
        ...emptyOutcome(),
        ...{ application: AT.application, assignment, kind: "answered", durationMs: 20, isBrought: true },
        location: assignment < Number(this.fleet.rollout()) ? "canary" : "master",
        source: `10.${network >> 8}.${network & 255}.1`,
        ...changes,
      });
    }
  }

  /** The word of a daemon's judge. */
  judgement(daemon: Daemon): Judgement | undefined {
    return daemon.hearings.of(AT, this.fleet.release().key)?.judge({ rolloutNext: 1, cleared: [] });
  }

  /** The coins of the canary for errors, as each daemon knows them. */
  coins(): number[] {
    return this.daemons.map((daemon) => {
      const [errors] = this.judgement(daemon)?.figures.metrics ?? [];
      return (errors?.segments ?? []).reduce((sum, { canary }) => sum + canary, 0);
    });
  }

  async close(): Promise<void> {
    for (const daemon of this.daemons) await daemon.stop();
    for (const used of this.#used) await used.close();
  }

  async #add(harness: StoreHarness, name: string): Promise<void> {
    const used = await opened(harness, () => this.fleet.nowMs);
    this.#used.push(used);
    const { store: memory } = this.fleet;
    const store: Store = {
      address: memory.address,
      read: (application, signal) => memory.read(application, signal),
      watch: (application, changed) => memory.watch(application, changed),
      write: (...given) => memory.write(...given),
      ...(memory.clock === undefined ? {} : { clock: memory.clock }),
      evidence: this.#counted(used.evidence),
      close: async () => {},
    };
    this.daemons.push(await this.fleet.daemon(name, undefined, { store }));
  }

  #counted(evidence: Evidence): Evidence {
    return {
      append: (log, batches, signal) => {
        this.calls.appends++;
        this.calls.batches += batches.length;
        this.calls.bytes += batches.reduce((sum, batch) => sum + Buffer.byteLength(batch), 0);
        return this.#wait(evidence.append(log, batches, signal));
      },
      read: (log, cursor, signal) => {
        this.calls.reads++;
        return this.#wait(evidence.read(log, cursor, signal));
      },
    };
  }

  #wait<T>(call: Promise<T>): Promise<T> {
    const ended = call.finally(() => this.#underWay.delete(ended));
    this.#underWay.add(ended);
    return ended;
  }

  async #settle(): Promise<void> {
    for (;;) {
      await settle();
      if (this.#underWay.size === 0) return;
      await Promise.allSettled(this.#underWay);
    }
  }
}

async function opened({ evidenceAt, open }: StoreHarness, nowMs: () => number): Promise<Use> {
  if (evidenceAt !== undefined) return evidenceAt(nowMs);
  const store = await open();
  const { evidence } = store;
  if (evidence === undefined) throw new Error(`${store.address} has no evidence`);
  return { evidence, close: () => store.close() };
}
