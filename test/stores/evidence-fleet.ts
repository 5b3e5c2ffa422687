/**
 * Cases of the evidence suite: a fleet judges a release over a real engine. See `evidence-site.ts` for its
 * time.
 */

import { expect } from "bun:test";
import { Site, type Traffic } from "./evidence-site.ts";
import type { StoreHarness } from "./store-suite.ts";

/** Nearly each outcome is of a visitor who has just come, so the judge soon knows enough. */
const CROWD: Traffic = { outcomes: 20, visitors: 6_000 };

const TRAFFIC: Traffic = { outcomes: 20, visitors: 1_200 };

/** One visitor of a hundred meets errors, whatever its version. */
const isUnlucky = (assignment: number) => Math.floor(assignment * 1e6) % 100 === 0;

/** The judge gives no word on older evidence. */
const TOO_OLD_S = 31;

const HOUR_S = 3_600;

/**
 * The meter counts this part of an hour, and multiplies. A release has more to tell in its first minutes, so
 * the figures are some tenths higher than those of a whole hour.
 */
const METERED_S = 300;
const METERED_TIMES = HOUR_S / METERED_S;
const METERED_DAEMONS = 3;

/** In a storm of errors a daemon appends this often, and not more. */
const STORM_S = 60;
const APPEND_EVERY_S = 2;

export const FLEET_CASES = {
  "an outcome that two daemons saw is one coin, and so is a network over the fleet": oneCoin,
  "a controller that has not read the evidence for 30 s neither aborts nor passes": oldEvidence,
  "an hour of a judged release costs no more than its page says": hourOfRelease,
} as const satisfies Record<string, (harness: StoreHarness) => Promise<void>>;

async function oneCoin(harness: StoreHarness): Promise<void> {
  const site = await Site.start(harness, 3, "5%:1h,100%:1m");
  const { fleet, daemons } = site;
  const [first, second] = daemons;
  if (first === undefined || second === undefined) throw new Error("no fleet");
  try {
    site.report(0.001, { status: 500 }, first, second);
    await fleet.pass(5_000);
    expect(site.coins()).toEqual([1, 1, 1]);
    // An attacker with many assignments, and one network.
    for (let visitor = 0; visitor < 21; visitor++) {
      const daemon = daemons[visitor % daemons.length] ?? first;
      site.report(0.01 + visitor / 1_000, { status: 500, source: `192.0.2.${visitor}` }, daemon);
    }
    await fleet.pass(10_000);
    expect([site.coins(), fleet.short()]).toEqual([[2, 2, 2], "running 1 5%"]);
    site.report(0.002, { status: 500, source: "198.51.100.1" }, second);
    await fleet.pass(5_000);
    expect(fleet.short()).toBe("aborted 1 0%");
  } finally {
    await site.close();
  }
}

async function oldEvidence(harness: StoreHarness): Promise<void> {
  const { faults } = harness;
  if (faults === undefined) throw new Error("without a network skip this case, and say why");
  const site = await Site.start(harness, 2, "50%:1m+ok,60%:1h,100%:1m");
  const { fleet, daemons } = site;
  const [first, second] = daemons;
  if (first === undefined || second === undefined) throw new Error("no fleet");
  const away = async (work: () => Promise<void>) => {
    await faults.enter("refuse");
    try {
      await fleet.pass(TOO_OLD_S * 1_000);
      await work();
    } finally {
      await faults.enter("pass");
    }
  };
  try {
    await away(async () => {
      await site.visit(6 * 60, CROWD, () => false);
      // Its own evidence would do.
      expect(site.judgement(first)).toMatchObject({
        kind: "watch",
        isStale: true,
        verdict: { kind: "pass" },
      });
      expect(fleet.short()).toBe("running 1 50%");
    });
    await site.visit(90, CROWD, () => false);
    expect(fleet.short()).toBe("running 2 60%");
    await fleet.pass(20_000);
    await away(async () => {
      for (let victim = 0; victim < 20; victim++) site.report(victim / 50, { status: 500 }, first, second);
      await fleet.pass(20_000);
      expect(site.judgement(first)).toMatchObject({
        kind: "watch",
        isStale: true,
        verdict: { kind: "abort" },
      });
      expect(fleet.short()).toBe("running 2 60%");
    });
    await fleet.pass(90_000);
    expect(fleet.short()).toBe("aborted 2 0%");
  } finally {
    await site.close();
  }
}

async function hourOfRelease(harness: StoreHarness): Promise<void> {
  const { meter } = harness;
  if (meter === undefined) throw new Error("if nothing can be counted, skip this case, and say why");
  const before = await meter.read();
  const site = await Site.start(harness, METERED_DAEMONS, "5%:1m,25%:2m,50%:1h,100%:1m");
  try {
    await site.visit(METERED_S, TRAFFIC, isUnlucky);
    expect(site.fleet.short()).toBe("running 3 50%");
    const after = await meter.read();
    const hour = (grown: number) => Math.round((grown * METERED_TIMES) / METERED_DAEMONS);
    const calls = Object.entries(site.calls).map(([name, count]) => [`${name} asked`, hour(count)] as const);
    const grown = Object.keys(meter.hourMax).map(
      (name) => [name, hour((after[name] ?? Number.NaN) - (before[name] ?? Number.NaN))] as const,
    );
    console.log(`an hour of a daemon: ${[...calls, ...grown].map((each) => each.join(" ")).join(", ")}`);
    for (const [name, figure] of grown) {
      expect([name, figure]).toEqual([name, expect.any(Number)]);
      expect(figure).toBeGreaterThan(0);
      expect(figure).toBeLessThanOrEqual(meter.hourMax[name] ?? 0);
    }
    // All visitors of both versions meet errors.
    const told = site.calls.appends;
    await site.visit(STORM_S, TRAFFIC, () => true);
    const appends = site.calls.appends - told;
    const most = METERED_DAEMONS * (STORM_S / APPEND_EVERY_S + 1);
    expect(appends).toBeLessThanOrEqual(most);
    expect(appends).toBeGreaterThan(most / 2);
  } finally {
    await site.close();
  }
}
