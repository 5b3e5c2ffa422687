/** The place of a visitor, as a daemon tells it to its page. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { assignmentOfKey } from "../../src/assignment.ts";
import { Served, START_MS } from "./served.ts";

let served: Served;

beforeAll(async () => {
  served = await Served.start();
}, START_MS);

afterAll(() => served.stop());

describe("the place of one visitor", () => {
  const placed = async (query: string) => {
    const reply = await fetch(served.at(`/api/place?${query}`));
    return reply.ok ? ((await reply.json()) as Record<string, unknown>) : reply.status;
  };

  test("is that of a request with the same number or key, and is not counted", async () => {
    served.home.write({ canary: { rollout: 0.5, offset: 0.25 } });
    await served.daemon.follows("canary", 0.5, 0.25);
    const counts = async () => (await served.daemon.state()).applications[0]?.decisions;
    const before = await counts();
    expect(await placed("application=website&assignment=0.3")).toMatchObject({
      ...{ assignment: 0.3, location: "canary", reason: "rollout" },
      ...{ sentence: "the assignment is in the version's arc", isInMaintenance: false },
    });
    expect(await placed("assignment=0.2")).toMatchObject({ location: "master", reason: "outside" });
    const byKey = await placed("application=website&key=user-1");
    expect(byKey).toMatchObject({ assignment: assignmentOfKey("user-1") });
    const { assignment, location } = byKey as Record<string, unknown>;
    expect(await served.home.ask(String(assignment))).toBe(String(location));
    expect(((await counts()) ?? []).reduce((sum, { count }) => sum + count, 0)).toBe(
      (before ?? []).reduce((sum, { count }) => sum + count, 0) + 1,
    );
  });

  test.each([
    "assignment=1",
    "assignment=x",
    "",
    "key=",
    `key=${"x".repeat(257)}`,
    "application=other&assignment=0.1",
  ])("law 5: ?%s is refused, and no key is in the log", async (query) => {
    expect(await placed(query)).toBe(400);
    expect(served.daemon.log).not.toContain("xxx");
  });

  test("cannot be written, nor asked under a foreign Host", async () => {
    expect((await served.post("/api/place", {})).status).toBe(405);
    const foreign = await fetch(served.at("/api/place?assignment=0.1"), {
      headers: { host: "evil.example" },
    });
    expect(foreign.status).toBe(403);
  });
});
