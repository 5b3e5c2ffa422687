/** Placing visitors: exactly, for good, and according to the store without delay. */

import { expect } from "bun:test";
import { covers } from "../../../src/circle.ts";
import { eventually } from "../../support/eventually.ts";
import { Random } from "../../support/random.ts";
import type { Case } from "./case.ts";
import { inParallel, type Rig } from "./rig.ts";

const AT_ONCE = 20;

/** How much later than its own time a change may arrive. */
const CHANGE_SLACK_MS = 1_000;

const COOKIE_ATTRIBUTES = "Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax";

const ARCS: readonly (readonly [rollout: number, offset: number])[] = [
  [0, 0],
  [0.001, 0],
  [0.25, 0],
  [1, 0],
  [0.25, 0.9],
];

const lands: Case = {
  id: "lands",
  title: "the proxy places a thousand assignments exactly as the daemon does, at five rollouts",
  timeoutMs: 120_000,
  async run(rig) {
    for (const [rollout, offset] of ARCS) {
      await rig.rollOut(rollout, offset);
      const wrong: string[] = [];
      const { sliceCookie } = rig.integration;
      const assignments =
        sliceCookie === undefined ? assignmentsAround(rollout, offset) : middlesOf(sliceCookie.slices);
      await inParallel(assignments, AT_ONCE, async (text) => {
        const wanted = covers(offset, rollout, Number(text)) ? "canary" : "master";
        const { status, name, assignment, location, cookies } = await rig.decided(text, wanted);
        const isRight =
          status === 200 &&
          name === wanted &&
          location === wanted &&
          (rig.tells ? Number(assignment) === Number(text) : assignment === "") &&
          cookies.length === 0;
        if (!isRight)
          wrong.push(`${text} at ${rollout} from ${offset}: ${status} ${name} ${assignment} ${cookies}`);
      });
      expect(wrong).toEqual([]);
    }
    await rig.rollOut(0.25);
  },
};

/** A thousand decimals: the neighbours of every edge, and random ones, long and short. */
function assignmentsAround(rollout: number, offset: number): string[] {
  const random = new Random();
  const edges = [offset, (offset + rollout) % 1, 0, 0.001, 0.25, 0.999999999999999].flatMap((edge) => [
    edge,
    edge - 2 ** -54,
    edge - 2 ** -53,
    edge + 2 ** -53,
  ]);
  const drawn = Array.from({ length: 1_000 - edges.length }, (_, index) =>
    index % 2 === 0 ? random.fraction() : Math.floor(random.fraction() * 1e15) / 1e15,
  );
  return (
    [...edges, ...drawn]
      .filter((number) => number >= 0 && number < 1)
      .map(String)
      // A proxy may reject a number with an exponent. Only one visitor in a million gets such a cookie.
      .filter((text) => !text.includes("e"))
  );
}

/** An assignment in each slice: its middle, by which it is placed. */
function middlesOf(slices: number): string[] {
  return Array.from({ length: slices }, (_, slice) => String((slice + 0.5) / slices));
}

const stays: Case = {
  id: "stays",
  title: "a new visitor gets a cookie for a year, and stays at its version",
  async run(rig) {
    await rig.rollOut(0.5);
    const names = new Set<string>();
    for (let visitor = 0; visitor < 40; visitor++) {
      const first = await rig.fresh();
      const [cookie = "", ...attributes] = first.cookies.join().split("; ");
      const [name, value = ""] = cookie.split("=");
      expect([first.status, name, attributes.join("; ")]).toEqual([200, rig.cookieName, COOKIE_ATTRIBUTES]);
      if (rig.tells) expect(value).toMatch(/^(0\.\d+(e-\d+)?|\de-\d+)$/);
      expect(first.assignment).toBe(rig.told(value));
      const again = await rig.visitAt(first.name, { headers: [["cookie", cookie]] });
      expect([again.name, again.cookies]).toEqual([first.name, []]);
      names.add(first.name);
    }
    expect([...names].sort()).toEqual(["canary", "master"]);
    await rig.rollOut(0.25);
  },
};

const ramp: Case = {
  id: "ramp",
  title: "a ramp up and down moves no visitor back and forth",
  timeoutMs: 60_000,
  async run(rig) {
    const random = new Random();
    const visitors = Array.from({ length: 200 }, () => String(Math.floor(random.fraction() * 1e9) / 1e9));
    const served = new Map(visitors.map((visitor) => [visitor, ""]));
    for (const rollout of [0, 0.01, 0.1, 0.4, 1, 0.4, 0.1, 0]) {
      await rig.rollOut(rollout);
      await inParallel(visitors, AT_ONCE, async (visitor) => {
        const wanted = Number(visitor) < rollout ? "canary" : "master";
        const { name } = await rig.decided(visitor, wanted);
        expect([visitor, name]).toEqual([visitor, wanted]);
        served.set(visitor, `${served.get(visitor)}${name[0]}`);
      });
    }
    // In at some step, out at another, and nowhere between.
    for (const [visitor, history] of served) expect([visitor, history]).toEqual([visitor, inAndOut(history)]);
    await rig.rollOut(0.25);
  },
};

function inAndOut(history: string): string {
  return /^m+c+m+$/.test(history) ? history : "in once and out once";
}

const change: Case = {
  id: "change",
  title: "a change in the store takes effect at once, or with the next lease",
  async run(rig) {
    for (const [rollout, name] of [
      [0, "master"],
      [0.25, "canary"],
    ] as const) {
      const beganMs = performance.now();
      rig.write({ canary: rollout });
      await follows(rig, name);
      expect(performance.now() - beganMs).toBeLessThan(rig.integration.changeMs + CHANGE_SLACK_MS);
    }
    await rig.rollOut(0.25);
  },
};

async function follows(rig: Rig, name: string): Promise<void> {
  await eventually(async () => (await rig.known(0.1)).name === name, `0.1 at ${name}`);
}

const unknownVersion: Case = {
  id: "unknown-version",
  title: "if the proxy does not know a version, master serves its visitors",
  async run(rig) {
    rig.write({ canary: 0, blue: 1 });
    await rig.daemon.follows("blue", 1);
    await follows(rig, "master");
    const { status, name, location } = await rig.known(0.9);
    expect([status, name, location]).toEqual([200, "master", "master"]);
    await rig.rollOut(0.25);
  },
};

export const PLACING: readonly Case[] = [lands, stays, ramp, change, unknownVersion];
