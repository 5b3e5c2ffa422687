import { describe, expect, test } from "bun:test";
import type { Arc } from "../../../src/circle.ts";
import { emptyRequest } from "../../../src/handler.ts";
import { areAllAt, locationsOf, runsOf, SLICES } from "../../../src/leases/traefik/slices.ts";
import { type Core, createCore, UNHEALTHY_MS } from "../../support/core.ts";
import { Random } from "../../support/random.ts";

const random = new Random();

function slices(core: Core): readonly string[] {
  const table = core.rollout.table("app");
  if (table === undefined) throw new Error("there is an app");
  return locationsOf(table, core.clock());
}

function countOf(locations: readonly string[], location: string): number {
  return locations.filter((each) => each === location).length;
}

/** Arcs with random offsets and lengths. They may overlap, and go around the circle. */
function randomArcs(): (Partial<Arc> & { version: string; rollout: number })[] {
  return ["canary", "blue", "green"].map((version) => ({
    version,
    rollout: random.fraction() < 0.2 ? 0 : random.fraction(),
    offset: random.fraction() < 0.3 ? 0 : random.fraction(),
  }));
}

describe("Traefik's slices of the circle", () => {
  test("TR-4: each slice is at the location of its middle, however arcs overlap", () => {
    const core = createCore();
    const decision = core.handler.emptyDecision();
    for (let round = 0; round < 50; round++) {
      core.apply("app", ...randomArcs());
      slices(core).forEach((location, slice) => {
        const request = { ...emptyRequest(), assignment: (slice + 0.5) / SLICES };
        core.handler.decide(request, core.clock(), decision);
        expect(location).toBe(decision.placement.location);
      });
    }
  });

  test("TR-4: a version gets the same share as from the handler, to the nearest slice", () => {
    const core = createCore();
    const decision = core.handler.emptyDecision();
    const visitors = 20_000;
    for (let round = 0; round < 20; round++) {
      const arcs = randomArcs();
      core.apply("app", ...arcs);
      const handled = new Map<string, number>();
      for (let visitor = 0; visitor < visitors; visitor++) {
        const request = { ...emptyRequest(), assignment: (visitor + 0.5) / visitors };
        core.handler.decide(request, core.clock(), decision);
        const { location } = decision.placement;
        handled.set(location, (handled.get(location) ?? 0) + 1);
      }
      // Each end of an arc moves by half a slice at most, and a version has the ends of all three.
      const slack = (6 * 0.5) / SLICES + 6 / visitors;
      for (const location of ["master", ...arcs.map(({ version }) => version)]) {
        const share = countOf(slices(core), location) / SLICES;
        expect(Math.abs(share - (handled.get(location) ?? 0) / visitors)).toBeLessThanOrEqual(slack);
      }
    }
  });

  test("TR-4: rollouts in steps of 0.1 % are exact", () => {
    const core = createCore();
    for (let thousandth = 0; thousandth <= SLICES; thousandth++) {
      core.apply("app", { rollout: thousandth / SLICES, offset: 0.5 });
      expect(countOf(slices(core), "canary")).toBe(thousandth);
    }
  });

  test("TR-5: a growing arc only adds slices, and a shrinking one gives back those that it added last", () => {
    const core = createCore();
    const taken: number[][] = [];
    for (const rollout of [0, 0.001, 0.05, 0.25, 0.9, 1]) {
      core.apply("app", { rollout, offset: 0.7 });
      taken.push([...slices(core).keys()].filter((slice) => slices(core)[slice] === "canary"));
    }
    taken.slice(1).forEach((now, index) => {
      const before = taken[index] ?? [];
      expect(now.length).toBeGreaterThan(before.length);
      expect(before.filter((slice) => !now.includes(slice))).toEqual([]);
    });
  });

  test("law 3, TR-6: unread and stale slices are at master, and a version with failsafe hold keeps its slices", () => {
    const core = createCore();
    expect(countOf(slices(core), "master")).toBe(SLICES);
    core.apply("app", { rollout: 0.25 }, { version: "blue", rollout: 0.1, offset: 0.5, failsafe: "hold" });
    expect(countOf(slices(core), "canary")).toBe(250);
    core.advance(UNHEALTHY_MS);
    expect(countOf(slices(core), "canary")).toBe(0);
    expect(countOf(slices(core), "blue")).toBe(100);
    expect(countOf(slices(core), "master")).toBe(900);
  });

  test("TR-8: runs name the slices of a version, and are true while it has them all", () => {
    const core = createCore();
    core.apply("app", { rollout: 0.25, offset: 0.875 });
    expect(runsOf(slices(core), "canary")).toBe("0-124,875-999");
    expect(runsOf(slices(core), "blue")).toBe("");
    for (let round = 0; round < 50; round++) {
      core.apply("app", ...randomArcs());
      for (const version of new Set(slices(core))) {
        expect(areAllAt(runsOf(slices(core), version), slices(core), version)).toBe(true);
      }
    }
    core.apply("app", { rollout: 0.25 });
    expect(areAllAt("0-249", slices(core), "canary")).toBe(true);
    expect(areAllAt("0-9", slices(core), "canary")).toBe(true);
    expect(areAllAt("0-250", slices(core), "canary")).toBe(false);
    expect(areAllAt("0-249", slices(core), "blue")).toBe(false);
  });

  test.each([
    "",
    ",",
    "0",
    "0-",
    "-1",
    "0-249,",
    "9-0",
    "0-9,0-9",
    "0-9,9-10",
    "0-999999",
    "0x0-9",
    "0-9 ",
    "a-b",
  ])("TR-8: %p does not name runs, and is never true", (runs) => {
    const core = createCore();
    core.apply("app", { rollout: 0.25 });
    expect(areAllAt(runs, slices(core), "canary")).toBe(false);
  });
});
