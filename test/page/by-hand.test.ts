/** Rollouts and freezes that an operator writes by the page. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { Served, START_MS } from "./served.ts";

let served: Served;

beforeAll(async () => {
  served = await Served.start();
}, START_MS);

afterAll(() => served.stop());

describe("a rollout by hand", () => {
  const set = (rollout: unknown, expected: unknown, version = "canary") => ({
    ...{ verb: "set", application: "website", version, rollout, expect: expected, reason: "by hand" },
  });

  test("is written with its author and reason, if the rollout is still the one that the page showed", async () => {
    served.home.write({ canary: { rollout: 0.05 } });
    const cookie = await served.logIn("grace");
    const stale = await served.post("/api/act", set(0.2, 0.1), { cookie });
    expect([stale.status, ((await stale.json()) as { readonly text: string }).text]).toEqual([
      409,
      expect.stringContaining("canary of website is 5% (0.05) and not 10% (0.1)"),
    ]);
    expect(served.recorded().rollout).toBe(0.05);
    const done = await served.post("/api/act", set(0.2, 0.05), { cookie });
    expect([done.status, ((await done.json()) as { readonly text: string }).text]).toEqual([
      200,
      expect.stringContaining("canary of website: 5% (0.05) → 20% (0.2)"),
    ]);
    expect(served.recorded()).toMatchObject({ rollout: 0.2, why: "by hand" });
    expect(served.recorded().updatedBy).toStartWith("grace@");
  });

  test("does not raise a version with a release under way, and a lower one pauses the release", async () => {
    served.startRelease();
    const cookie = await served.logIn();
    const raised = await served.post("/api/act", set(0.2, 0.05), { cookie });
    expect([raised.status, served.recorded().rollout]).toEqual([409, 0.05]);
    const lowered = await served.post("/api/act", set(0.02, 0.05), { cookie });
    expect([lowered.status, served.recorded().rollout, served.recorded().release.state]).toEqual([
      200,
      0.02,
      "paused",
    ]);
  });

  test("down to 0 does not ask what was there, and aborts the release", async () => {
    served.startRelease();
    const reply = await served.post("/api/act", set(0, 0.9), { cookie: await served.logIn() });
    expect([reply.status, served.recorded().rollout, served.recorded().release.state]).toEqual([
      200,
      0,
      "aborted",
    ]);
  });

  test.each([
    ["a share above 1", set(1.5, 0.05)],
    ["a share as text", set("0.5", 0.05)],
    ["no share that the page showed", set(0.5, undefined)],
    ["master", set(0.5, 0, "master")],
    ["half a maintenance", set(0.5, 0, "maintenance")],
  ])("with %s is refused", async (_, body) => {
    served.home.write({ canary: { rollout: 0.05 } });
    expect((await served.post("/api/act", body, { cookie: await served.logIn() })).status).toBe(400);
    expect(served.recorded().rollout).toBe(0.05);
  });
});

test("a freeze is for all releases, and its end is pinned to the freeze that the page showed", async () => {
  served.home.write({ canary: { rollout: 0.05 } });
  const page = served.page();
  const cookie = await served.logIn("grace");
  const frozen = await served.post("/api/act", { verb: "freeze", reason: "Black Friday" }, { cookie });
  expect(frozen.status).toBe(200);
  await eventually(() => page.last?.application?.freeze?.isFrozen === true, "the freeze on the page");
  const { text = "", at } = page.last?.application?.freeze ?? {};
  expect(text).toContain("releases are frozen by grace@");
  const other = await served.post(
    "/api/act",
    { verb: "unfreeze", seenAt: "2026-01-01T00:00:00.000Z" },
    { cookie },
  );
  expect(other.status).toBe(409);
  expect((await served.post("/api/act", { verb: "unfreeze", seenAt: at }, { cookie })).status).toBe(200);
  await eventually(() => page.last?.application?.freeze?.isFrozen === false, "the end of the freeze");
  await eventually(() => page.last?.application?.freezes.length === 2, "both in the history");
  expect(page.last?.application?.freezes).toMatchObject([
    { isFrozen: false, why: null },
    { isFrozen: true, at, why: "Black Friday", author: expect.stringMatching(/^grace@/) },
  ]);
  page.close();
});
