import { describe, expect, test } from "bun:test";
import { type Arc, covers, spell } from "../src/circle.ts";
import { Placements } from "../src/placement.ts";
import { checkRecord } from "../src/records/check.ts";
import { agesOf, type Lease, Rollout, Table } from "../src/rollout.ts";
import { awkward, holds } from "./support/random.ts";

const UNHEALTHY_MS = 8_000;
const DELAY_MS = 4_000;

function arc(version: string, rollout: number, offset = 0, failsafe: Arc["failsafe"] = "master"): Arc {
  return { version, rollout, offset, failsafe };
}

function table(arcs: readonly Arc[], readAtMs = 0): Table {
  return new Table("app", arcs, readAtMs, agesOf(UNHEALTHY_MS, DELAY_MS), new Placements());
}

function where(of: Table, assignment: number, nowMs = 0): string {
  const { location, reason } = of.locate(assignment, nowMs);
  return `${location} ${reason}`;
}

describe("a table", () => {
  test("places a visitor at the version of its arc, and all others at master", () => {
    const half = table([arc("canary", 0.5)]);
    expect(where(half, 0)).toBe("canary rollout");
    expect(where(half, 0.4999999999999999)).toBe("canary rollout");
    expect(where(half, 0.5)).toBe("master outside");
  });

  test("with two arcs that overlap, canary counts first, then the first one by name", () => {
    const overlapping = table([arc("b", 0.8), arc("a", 0.6), arc("canary", 0.4)]);
    expect([0.3, 0.5, 0.7, 0.9].map((u) => where(overlapping, u).split(" ")[0])).toEqual([
      ...["canary", "a", "b", "master"],
    ]);
  });

  test("serves an arc as long as its visitors go there", () => {
    const both = table([arc("canary", 0.25, 0.5), arc("blue", 0.1, 0, "hold"), arc("off", 0)]);
    expect(both.serves("canary", 0.25, 0.5, 0)).toBe(true);
    expect(both.serves("canary", 0.05, 0.5, 0)).toBe(false);
    expect(both.serves("canary", 0.25, 0.4, 0)).toBe(false);
    expect(both.serves("canary", 0, 0, 0)).toBe(false);
    expect([both.serves("off", 0, 0.7, 0), both.serves("off", 0.1, 0, 0)]).toEqual([true, false]);
    expect([both.serves("none", 0, 0, 0), both.serves("none", 0.1, 0, 0)]).toEqual([true, false]);
    expect(both.serves("canary", 0.25, 0.5, UNHEALTHY_MS)).toBe(false);
    expect(both.serves("blue", 0.1, 0, UNHEALTHY_MS)).toBe(true);
  });

  test("never places or forces a visitor at maintenance", () => {
    const down = table([arc("maintenance", 1), arc("canary", 0.1)]);
    expect(where(down, 0.5)).toBe("master outside");
    expect(down.forced("maintenance", 0)).toBeUndefined();
    expect(down.arcs.map(({ version }) => version)).toEqual(["canary", "maintenance"]);
    expect(spell(down.lease(0).arcs)).toBe("canary=0.1@0");
  });

  test("law 3: all are 0 from the millisecond at which the snapshot is unhealthy old", () => {
    const aged = table([arc("canary", 1)], 1_000);
    expect(where(aged, 0.5, 1_000 + UNHEALTHY_MS - 1)).toBe("canary rollout");
    expect(where(aged, 0.5, 1_000 + UNHEALTHY_MS)).toBe("master stale");
  });

  test("law 3: if the store is lost, versions that hold keep their visitors, and no others do", () => {
    const aged = table([arc("blue", 0.5, 0, "hold"), arc("canary", 1, 0.5)]);
    expect(where(aged, 0.25, UNHEALTHY_MS)).toBe("blue hold");
    expect(where(aged, 0.75, UNHEALTHY_MS)).toBe("master stale");
  });

  test("law 3: before its first read, a daemon has all rollouts at 0, and the reason says so", () => {
    expect(where(new Rollout(["app"], UNHEALTHY_MS).first, 0)).toBe("master unread");
  });

  test("forces existing versions at any rollout, and master always", () => {
    const some = table([arc("canary", 0)]);
    expect(some.forced("canary", 0)?.reason).toBe("forced");
    expect(some.forced("other", 0)).toBeUndefined();
    expect(some.forced("canary", UNHEALTHY_MS)).toBeUndefined();
    expect(some.forced("master", UNHEALTHY_MS)?.location).toBe("master");
  });
});

describe("a lease", () => {
  test("lasts while the table is fresh", () => {
    const leased = table([arc("canary", 0.25), arc("b", 0.1, 0.5), arc("c", 0)], 500);
    expect(leased.lease(1_500)).toEqual({
      durationMs: UNHEALTHY_MS - 1_000,
      arcs: [arc("canary", 0.25), arc("b", 0.1, 0.5)],
    });
  });

  test("has no arcs if less than a millisecond is left", () => {
    const leased = table([arc("canary", 0.25)]);
    expect(leased.lease(UNHEALTHY_MS - 0.5)).toEqual({ durationMs: 0, arcs: [] });
    expect(leased.lease(UNHEALTHY_MS + 1)).toEqual({ durationMs: 0, arcs: [] });
  });

  test("of a version that holds has its full length at any age, so there is no gap when the store is lost", () => {
    const held = table([arc("canary", 1, 0, "hold"), arc("b", 0)]);
    for (const nowMs of [0, UNHEALTHY_MS - 300, UNHEALTHY_MS - 0.5, UNHEALTHY_MS, 10 * UNHEALTHY_MS]) {
      expect(held.lease(nowMs)).toEqual({ durationMs: UNHEALTHY_MS, arcs: [arc("canary", 1, 0, "hold")] });
    }
  });

  test("of a version that holds lasts for two rounds of questions even if unhealthy is shorter", () => {
    const held = new Table("app", [arc("canary", 1, 0, "hold")], 0, agesOf(600, 200), new Placements());
    expect([0, 599, 600].map((nowMs) => held.lease(nowMs).durationMs)).toEqual([4_000, 4_000, 4_000]);
  });

  test("of a version that holds at 0 % ends with the table, because it has no visitors to keep", () => {
    const none = table([arc("canary", 0, 0, "hold"), arc("b", 0.5)]);
    expect(none.lease(UNHEALTHY_MS - 300)).toEqual({ durationMs: 300, arcs: [arc("b", 0.5)] });
    expect(none.lease(UNHEALTHY_MS)).toEqual({ durationMs: 0, arcs: [] });
  });

  test("with only a part that holds becomes that part alone shortly before the table's end", () => {
    const mixed = table([arc("canary", 0.5, 0, "hold"), arc("b", 0.5, 0.5)]);
    const both = { arcs: [arc("canary", 0.5, 0, "hold"), arc("b", 0.5, 0.5)] };
    expect(mixed.lease(0)).toEqual({ ...both, durationMs: UNHEALTHY_MS });
    expect(mixed.lease(UNHEALTHY_MS - 2_001)).toEqual({ ...both, durationMs: 2_001 });
    for (const nowMs of [UNHEALTHY_MS - 2_000, UNHEALTHY_MS, 2 * UNHEALTHY_MS]) {
      expect(mixed.lease(nowMs)).toEqual({
        durationMs: UNHEALTHY_MS,
        arcs: [arc("canary", 0.5, 0, "hold")],
      });
    }
  });

  test("has all arcs if the store answers in time, for every delay", () => {
    holds(2_000, (random) => {
      const unhealthyMs = random.whole(2, 20_000);
      const delayMs = random.whole(1, unhealthyMs - 1);
      const arcs = [arc("canary", 0.5, 0, "hold"), arc("b", 0.5, 0.5)];
      const mixed = new Table("app", arcs, 0, agesOf(unhealthyMs, delayMs), new Placements());
      const tookMs = (unhealthyMs - delayMs) * random.fraction() * 0.49;
      const { arcs: given } = mixed.lease(delayMs + tookMs);
      // A lease has whole milliseconds.
      if (tookMs < (unhealthyMs - delayMs) / 2 - 1 && given.length < 2) {
        throw new Error(`unhealthy ${unhealthyMs}, delay ${delayMs}, ${tookMs} after it`);
      }
    });
  });

  test("lets a proxy that renews it each second keep versions that hold, and no others beyond the table's end", () => {
    holds(2_000, (random) => {
      const arcs = ["canary", "a", "b"].map((name) =>
        arc(name, awkward(random), awkward(random), random.pick(["hold", "master"] as const)),
      );
      const lost = table(arcs);
      const holding = arcs.filter(({ failsafe }) => failsafe === "hold");
      const ownMaxMs = random.pick([3_000, 60_000]);
      let lease: Lease = lost.lease(0);
      let endsAtMs = 0;
      for (let nowMs = 0; nowMs < 3 * UNHEALTHY_MS; ) {
        lease = lost.lease(nowMs);
        endsAtMs = nowMs + Math.min(lease.durationMs, ownMaxMs);
        // Half a second of waiting, and a tick.
        const nextMs = nowMs + random.whole(500, 1_600);
        for (const atMs of [nowMs, nextMs - 1]) {
          const assignment = awkward(random);
          const own = (at: readonly Arc[]) =>
            at.find(({ offset, rollout }) => covers(offset, rollout, assignment))?.version ?? "master";
          const placed = atMs < endsAtMs ? own(lease.arcs) : "master";
          // The daemon's answer now, or its later answer if the store stays away.
          const allowed = [lost.locate(assignment, atMs).location, own(holding)];
          if (!allowed.includes(placed))
            throw new Error(`${assignment} at ${placed} at ${atMs}: ${spell(arcs)}`);
          if (atMs >= UNHEALTHY_MS && placed !== own(holding)) {
            throw new Error(`${assignment} at ${placed}, not held, at ${atMs}: ${spell(arcs)}`);
          }
        }
        nowMs = nextMs;
      }
    });
  });

  test("of a version that holds since an unknown time has a finite length, too", () => {
    const held = table([arc("canary", 1, 0, "hold")], Number.NEGATIVE_INFINITY);
    expect(held.lease(0).durationMs).toBe(UNHEALTHY_MS);
    expect(where(held, 0.5)).toBe("canary hold");
  });

  test("decides like the daemon: arcs in the given order, then master", () => {
    holds(3_000, (random) => {
      const names = ["canary", "a", "b", "maintenance"].slice(random.whole(0, 3));
      const arcs = names.map((name) => arc(name, random.pick([awkward(random), 0, 1]), awkward(random)));
      const leased = table(arcs);
      const given = leased.lease(0).arcs;
      for (let visitor = 0; visitor < 10; visitor++) {
        const assignment = awkward(random);
        const own =
          given.find(({ offset, rollout }) => covers(offset, rollout, assignment))?.version ?? "master";
        if (leased.locate(assignment, 0).location !== own) throw new Error(`${assignment}: ${spell(arcs)}`);
      }
    });
  });
});

describe("tables of several applications", () => {
  test("are separate, and the first one is the default", () => {
    const rollout = new Rollout(["web", "api"], UNHEALTHY_MS);
    rollout.apply("api", [arc("canary", 1)], 0);
    expect(where(rollout.first, 0.5)).toBe("master unread");
    expect(rollout.table("web")).toBe(rollout.first);
    expect(where(rollout.table("api") as Table, 0.5)).toBe("canary rollout");
    expect(rollout.table("nobody")).toBeUndefined();
    expect(rollout.table("constructor")).toBeUndefined();
  });

  test("have none for an application that is not served", () => {
    const rollout = new Rollout(["web"], UNHEALTHY_MS);
    rollout.apply("api", [arc("canary", 1)], 0);
    expect(rollout.table("api")).toBeUndefined();
  });
});

test("the table is replaced as a whole: a reader's table never changes", () => {
  const rollout = new Rollout(["app"], UNHEALTHY_MS);
  const arcs = [checkRecord("canary", 1).arc];
  rollout.apply("app", arcs, 0);
  const held = rollout.first;
  arcs.length = 0;
  rollout.apply("app", [], 0);
  expect(where(held, 0.5)).toBe("canary rollout");
  expect(where(rollout.first, 0.5)).toBe("master outside");
});
