/** Law 4: the daemon is gone, hung, slow or restarted, and visitors notice only that master serves them. */

import { expect } from "bun:test";
import { eventually } from "../../support/eventually.ts";
import type { Case } from "./case.ts";
import type { Rig } from "./rig.ts";

/** A busy machine may add this to a wait: to the median of many visits, and to the slowest one. */
const BUSY_MEDIAN_MS = 30;
const BUSY_MS = 500;

/** A visitor's forged headers. While the daemon is gone, nothing else names a location. */
const FORGED = [
  ["maxwellsdaemon", "0.1"],
  ["maxwellsdaemon-location", "canary"],
] as const;

/** Waits until the canary's share is 0, which it has to be within the integration's grace. */
async function falls(rig: Rig): Promise<void> {
  const beganMs = performance.now();
  await eventually(async () => {
    const served = await Promise.all(Array.from({ length: 5 }, () => rig.known(0.1)));
    expect(served.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    return served.every(({ name }) => name === "master");
  }, "all visitors go to master");
  const tookMs = performance.now() - beganMs;
  expect(tookMs).toBeLessThan(rig.integration.graceMs + BUSY_MS);
  // Another worker's lease may be younger, by no more than this.
  await Bun.sleep(Math.max(0, rig.integration.graceMs - tookMs));
}

/**
 * Visits while no daemon decides: master serves them, with the cookie they have and no other, within the
 * time-out.
 */
async function expectMaster(rig: Rig): Promise<void> {
  const tookMs: number[] = [];
  for (let visit = 0; visit < 100; visit++) {
    const known = await rig.known(0.1);
    expect([known.status, known.name, known.location, known.cookies]).toEqual([200, "master", "master", []]);
    expect([rig.told("0.1"), ""]).toContain(known.assignment);
    const fresh = await rig.visit({ headers: FORGED });
    expect([fresh.status, fresh.name, fresh.location]).toEqual([200, "master", "master"]);
    // A proxy that draws slices by itself goes on with that.
    if (rig.integration.sliceCookie === undefined) expect(fresh.cookies).toEqual([]);
    expect(fresh.assignment).toBe("");
    tookMs.push(known.tookMs, fresh.tookMs);
  }
  tookMs.sort((a, b) => a - b);
  expect(tookMs[100]).toBeLessThan(rig.integration.patienceMs + BUSY_MEDIAN_MS);
  expect(tookMs.at(-1)).toBeLessThan(rig.integration.patienceMs + BUSY_MS);
}

const killed: Case = {
  id: "killed",
  title:
    "if the daemon is killed, all visitors go to master without an error, and come back when it runs again",
  async run(rig) {
    await rig.daemon.end("SIGKILL");
    await falls(rig);
    await expectMaster(rig);
    await rig.startDaemon();
  },
};

const cold: Case = {
  id: "cold",
  title: "if the proxy starts while the daemon is gone, master serves all visitors until the daemon runs",
  async run(rig) {
    await rig.daemon.end("SIGKILL");
    await falls(rig);
    await rig.restart();
    await expectMaster(rig);
    await rig.startDaemon();
  },
};

const hung: Case = {
  id: "hung",
  title: "if the daemon hangs, no visitor waits longer than the proxy's time-out, which its page names",
  async run(rig) {
    rig.daemon.signal("SIGSTOP");
    try {
      await falls(rig);
      await expectMaster(rig);
    } finally {
      rig.daemon.signal("SIGCONT");
    }
    await rig.becomes(0.1, "canary");
    await rig.settles();
    // No late answer reached another visitor.
    for (let visitor = 0; visitor < 200; visitor++) {
      const text = String(visitor / 200);
      const wanted = visitor / 200 < 0.25 ? "canary" : "master";
      const { name, assignment } = await rig.decided(text, wanted);
      expect([assignment, name]).toEqual([rig.told(text), wanted]);
    }
  },
};

/** How many visitors ask at the same time, and how many requests they make in all. */
const VISITORS = 32;
const REQUESTS_MIN = 100_000;

/** As much of an error's page, and of the proxy's log, is shown if a visitor sees an error. */
const BODY_SHOWN = 200;
const LOG_SHOWN = 4_000;

const storm: Case = {
  id: "storm",
  title:
    "100 000 requests while the daemon is killed, hung, slow and restarted: not one error, and no canary after the last lease",
  timeoutMs: 480_000,
  async run(rig) {
    const load = new Load(rig);
    const running = load.run();
    try {
      await load.passes(8_000);
      await rig.daemon.end("SIGKILL");
      await load.withoutCanary(12_000);
      rig.daemon = await rig.home.start();
      await load.passes(8_000);

      rig.daemon.signal("SIGSTOP");
      await load.withoutCanary(12_000);
      rig.daemon.signal("SIGCONT");
      await load.passes(8_000);

      await load.passesWhileSlow(12_000);
      for (let restart = 0; restart < 3; restart++) {
        await rig.daemon.end("SIGTERM");
        rig.daemon = await rig.home.start();
        await load.passes(6_000);
      }
      if (!rig.integration.isOverTcp) await takeOver(rig, load);
      await load.passes(Math.max(6_000, REQUESTS_MIN - load.sent));
    } finally {
      rig.daemon.signal("SIGCONT");
      load.stop();
      await running;
    }
    // The visitors' errors alone do not tell what happened inside the proxy.
    if (load.errors.size > 0) console.error(`the end of its log:\n${rig.log.slice(-LOG_SHOWN)}`);
    expect([...load.errors]).toEqual([]);
    expect(load.sent).toBeGreaterThanOrEqual(REQUESTS_MIN);
    await rig.becomes(0.1, "canary");
  },
};

/** Two daemons for a moment: the next one takes the sockets over. */
async function takeOver(rig: Rig, load: Load): Promise<void> {
  const old = rig.daemon;
  rig.daemon = await rig.home.start();
  await load.passes(2_000);
  await old.end("SIGTERM");
}

/** Visitors that come back at once, each request with its own assignment. */
class Load {
  readonly #rig: Rig;
  /** Faults that visitors saw, and how often. */
  readonly errors = new Map<string, number>();
  sent = 0;
  #canary = 0;
  #isOver = false;

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: VISITORS }, () => this.#visitor()));
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Resolves when this many more requests were made. */
  async passes(requests: number): Promise<void> {
    const until = this.sent + requests;
    while (this.sent < until) await Bun.sleep(2);
  }

  /** The same. After the end of the grace no visitor may be at the canary. */
  async withoutCanary(requests: number): Promise<void> {
    await Bun.sleep(this.#rig.integration.graceMs + BUSY_MS);
    const before = this.#canary;
    await this.passes(requests);
    if (this.#canary > before) this.#note(`${this.#canary - before} at canary without a daemon`);
  }

  /** The daemon sleeps for three quarters of the time, each time for longer than any proxy waits. */
  async passesWhileSlow(requests: number): Promise<void> {
    const until = this.sent + requests;
    while (this.sent < until) {
      this.#rig.daemon.signal("SIGSTOP");
      await Bun.sleep(30);
      this.#rig.daemon.signal("SIGCONT");
      await Bun.sleep(10);
    }
  }

  async #visitor(): Promise<void> {
    while (!this.#isOver) {
      const assignment = (this.sent++ % 1_000) / 1_000;
      try {
        const { status, name, body } = await this.#rig.known(assignment);
        if (status !== 200) this.#note(`status ${status}: ${body.slice(0, BODY_SHOWN)}`);
        else if (name === "canary" && assignment >= 0.25) this.#note("at canary, and does not belong there");
        if (name === "canary") this.#canary++;
      } catch (error) {
        this.#note((error as Error).message);
        // A visitor that is refused does not come back at once.
        await Bun.sleep(10);
      }
    }
  }

  #note(error: string): void {
    this.errors.set(error, (this.errors.get(error) ?? 0) + 1);
  }
}

export const OUTAGES: readonly Case[] = [killed, cold, hung, storm];
