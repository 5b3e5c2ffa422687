import { describe, expect, test } from "bun:test";
import { assignmentOfKey } from "../src/assignment.ts";
import { emptyRequest, Handler, type Request } from "../src/handler.ts";
import { Rollout } from "../src/rollout.ts";
import { holds } from "./support/random.ts";

const UNHEALTHY_MS = 8_000;

function serve(options: { allowForce?: boolean; random?: () => number } = {}) {
  const rollout = new Rollout(["web", "api"], UNHEALTHY_MS);
  rollout.apply("web", [{ version: "canary", rollout: 0.5, offset: 0, failsafe: "master" }], 0);
  rollout.apply("api", [{ version: "blue", rollout: 1, offset: 0, failsafe: "master" }], 0);
  const handler = new Handler({ rollout, allowForce: false, ...options });
  const decision = handler.emptyDecision();
  return {
    rollout,
    ask(request: Partial<Request>, nowMs = 0) {
      handler.decide({ ...emptyRequest(), ...request }, nowMs, decision);
      const { location, reason, application, count } = decision.placement;
      return { assignment: decision.assignment, location, reason, application, count };
    },
  };
}

describe("the assignment", () => {
  test("of a known visitor is the visitor's own", () => {
    expect(serve().ask({ assignment: 0.42 })).toMatchObject({ assignment: 0.42, location: "canary" });
  });

  test("of a new visitor is drawn", () => {
    expect(serve({ random: () => 0.75 }).ask({})).toMatchObject({ assignment: 0.75, location: "master" });
  });

  test("of a visitor with a key is the key's", () => {
    expect(serve().ask({ key: "user-1" }).assignment).toBe(assignmentOfKey("user-1"));
  });

  test("that a visitor has comes before its key", () => {
    expect(serve().ask({ assignment: 0.1, key: "user-1" }).assignment).toBe(0.1);
  });

  test("0 counts as a visitor's own", () => {
    expect(serve({ random: () => 0.9 }).ask({ assignment: 0 })).toMatchObject({
      assignment: 0,
      location: "canary",
    });
  });

  test("of an invalid request is drawn, whatever else the request contains", () => {
    const { ask } = serve({ random: () => 0.25, allowForce: true });
    expect(ask({ valid: false, assignment: 0.1, key: "user-1", force: "canary" })).toMatchObject({
      assignment: 0.25,
      location: "master",
      reason: "invalid",
    });
  });
});

describe("the application", () => {
  test("is the first one if the request names none", () => {
    expect(serve().ask({ assignment: 0.7 })).toMatchObject({ application: "web", location: "master" });
  });

  test("that the request names has a table of its own", () => {
    const asked = serve().ask({ assignment: 0.7, application: "api" });
    expect(asked).toMatchObject({ application: "api", location: "blue", reason: "rollout" });
  });

  test("that is not served gets master, with the visitor's own assignment", () => {
    const asked = serve().ask({ assignment: 0.1, application: "nobody" });
    expect(asked).toMatchObject({ assignment: 0.1, location: "master", reason: "unknown-application" });
  });
});

describe("force", () => {
  test("is ignored if the operator does not allow it", () => {
    expect(serve().ask({ assignment: 0.7, force: "canary" })).toMatchObject({
      location: "master",
      reason: "outside",
    });
  });

  test.each([
    [0.7, "canary", "canary", "forced"],
    [0.1, "master", "master", "forced"],
    [0.1, "nobody", "canary", "rollout"],
    [0.7, "maintenance", "master", "outside"],
  ])("is obeyed if it is allowed: %p to %p is %p, %p", (assignment, force, location, reason) => {
    const asked = serve({ allowForce: true }).ask({ assignment, force });
    expect(asked).toMatchObject({ assignment, location, reason });
  });

  test("of a version waits for a fresh reading of that version", () => {
    const { ask } = serve({ allowForce: true });
    expect(ask({ assignment: 0.1, force: "canary" }, UNHEALTHY_MS)).toMatchObject({
      location: "master",
      reason: "stale",
    });
  });
});

test("every decision is counted once, under its own reason", () => {
  const { ask, rollout } = serve();
  const asked: Partial<Request>[] = [
    { assignment: 0.1 },
    { assignment: 0.1 },
    { assignment: 0.9 },
    { valid: false },
  ];
  for (const request of asked) ask(request);
  const counts = [...rollout.placements.values()].filter(({ count }) => count > 0);
  expect(Object.fromEntries(counts.map(({ reason, count }) => [reason, count]))).toEqual({
    rollout: 2,
    outside: 1,
    invalid: 1,
  });
});

test("is total: every request gets an assignment in [0, 1) and a location that exists", () => {
  const { ask } = serve({ allowForce: true });
  holds(100_000, (random) => {
    const text = () => random.pick([undefined, "", "web", "api", "canary", "master", "\0", "__proto__", "é"]);
    const { assignment, location } = ask(
      {
        assignment: random.pick([Number.NaN, random.fraction()]),
        valid: random.pick([true, true, false]),
        application: text(),
        key: text(),
        force: text(),
      },
      random.pick([0, UNHEALTHY_MS - 1, UNHEALTHY_MS, Number.MAX_VALUE]),
    );
    const isSound = assignment >= 0 && assignment < 1 && ["master", "canary", "blue"].includes(location);
    if (!isSound) throw new Error(`${assignment} ${location}`);
  });
});
