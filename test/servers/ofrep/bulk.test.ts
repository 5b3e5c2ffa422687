/** All flags of a visitor at once (docs/protocol/ofrep.md). */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Core, countOf, UNHEALTHY_MS } from "../../support/core.ts";
import { answerOf, FLAGS, Listener } from "./listener.ts";

interface Flag {
  readonly key: string;
  readonly value: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const VISITOR = { targetingKey: "abc" };

describe("all flags", () => {
  let listener: Listener;
  let core: Core;

  beforeAll(async () => {
    listener = await Listener.start({ applications: ["app", "web", "a", "a.canary"] });
    core = listener.core;
  });

  afterAll(() => listener.close());

  beforeEach(() => {
    core.apply("app", { rollout: 0.5 }, { version: "blue", rollout: 0.1, offset: 0.9 });
    core.apply("web", { version: "maintenance", rollout: 1 });
    core.apply("a");
    core.apply("a.canary");
  });

  const asked = (context: unknown, headers?: Record<string, string>) =>
    listener.post(undefined, JSON.stringify({ context }), headers);

  async function flagsOf(context: unknown, headers?: Record<string, string>): Promise<Flag[]> {
    const answer = answerOf(await asked(context, headers));
    expect(answer["status"]).toBe(200);
    return answer["flags"] as Flag[];
  }

  test("OFR-10: the answer has each application, its versions, and canary", async () => {
    const flags = await flagsOf(VISITOR);
    expect(flags.map(({ key, value }) => [key, value])).toEqual([
      ...[
        ["app", "canary"],
        ["app.canary", true],
        ["app.blue", false],
      ],
      ...[
        ["web", "master"],
        ["web.canary", false],
      ],
      ...[
        ["a", "master"],
        ["a.canary", "master"],
        ["a.canary.canary", false],
      ],
    ]);
    expect((await flagsOf({ maxwellsdaemon: 0.95 }))[2]).toMatchObject({ key: "app.blue", value: true });
  });

  test("OFR-10: each flag is the same as if it were asked for alone", async () => {
    core.apply("web", { rollout: 1 });
    for (const context of [VISITOR, { maxwellsdaemon: "0.95" }, { targetingKey: "user-1" }]) {
      const flags = await flagsOf(context);
      expect(flags).toHaveLength(8);
      for (const flag of flags) {
        expect<unknown>({ status: 200, ...flag }).toEqual(await listener.evaluate(flag.key, context));
      }
    }
  });

  test("OFR-10: one decision is counted for each application, and one for a request that cannot be read", async () => {
    const before = ["rollout", "outside", "invalid"].map((reason) => countOf(core, reason));
    const counted = () =>
      ["rollout", "outside", "invalid"].map((reason, index) => countOf(core, reason) - (before[index] ?? 0));
    await flagsOf(VISITOR);
    expect(counted()).toEqual([1, 3, 0]);
    const flags = await flagsOf({ maxwellsdaemon: "x" });
    expect(flags.map(({ value }) => value)).toEqual([
      "master",
      false,
      false,
      "master",
      false,
      "master",
      "master",
      false,
    ]);
    expect(new Set(flags.map(({ metadata }) => metadata["assignment"])).size).toBe(1);
    expect(counted()).toEqual([1, 3, 1]);
  });

  test("OFR-4: without fresh records all locations are master, with status 200", async () => {
    core.apply("a", { rollout: 1, failsafe: "hold" });
    core.advance(UNHEALTHY_MS);
    const flags = await flagsOf(VISITOR);
    expect(flags.map(({ key, value }) => [key, value])).toContainEqual(["app.blue", false]);
    expect(flags.filter(({ value }) => value !== "master" && value !== false)).toMatchObject([
      { key: "a", value: "canary" },
    ]);
    expect(flags[0]?.metadata["reason"]).toBe("stale");
  });

  test("OFR-11: a header or else the context names the only application", async () => {
    const keys = async (context: unknown, headers?: Record<string, string>) =>
      (await flagsOf(context, headers)).map(({ key }) => key);
    const ours = { "maxwellsdaemon-application": "web" };
    expect(await keys({ ...VISITOR, ...ours })).toEqual(["web", "web.canary"]);
    expect(await keys(VISITOR, ours)).toEqual(["web", "web.canary"]);
    expect(await keys({ ...VISITOR, "maxwellsdaemon-application": "a" }, ours)).toEqual([
      "web",
      "web.canary",
    ]);
    const before = countOf(core, "unknown-application");
    expect(await keys({ ...VISITOR, "maxwellsdaemon-application": "nope" })).toEqual([]);
    expect(countOf(core, "unknown-application")).toBe(before + 1);
    expect(await listener.evaluate("app", { ...VISITOR, ...ours })).toMatchObject({ value: "canary" });
  });

  test.each([
    ["{", "PARSE_ERROR"],
    ['{"context":5}', "INVALID_CONTEXT"],
    ['{"context":{"targetingKey":"a","maxwellsdaemon-application":5}}', "INVALID_CONTEXT"],
    ["{}", "TARGETING_KEY_MISSING"],
    [" ".repeat(32_769), "INVALID_CONTEXT"],
  ])("OFR-8: the body %p has an error without a key", async (body, errorCode) => {
    const answer = answerOf(await listener.post(undefined, body));
    expect(answer).toEqual({ status: 400, errorCode, errorDetails: expect.any(String) });
  });

  test("OFR-13: a client that has the flags gets 304 until they change", async () => {
    const first = await asked(VISITOR);
    const tag = first.headers.get("etag") ?? "";
    expect(tag).toMatch(/^"[0-9a-f]{1,16}"$/);
    const again = async (context: unknown, header: string) => {
      const { status, headers, body } = await asked(context, { "If-None-Match": header });
      expect(headers.get("cache-control")).toBe("no-store");
      if (status === 304)
        expect([body, headers.get("etag"), headers.has("content-type")]).toEqual(["", tag, false]);
      return status;
    };
    for (const header of [tag, `W/${tag}`, `"x", ${tag}`, ` ${tag} `]) {
      expect([header, await again(VISITOR, header)]).toEqual([header, 304]);
    }
    for (const header of ["", "*", '"x"', tag.slice(1, -1)]) {
      expect([header, await again(VISITOR, header)]).toEqual([header, 200]);
    }
    // Another visitor has another number, and so other flags.
    for (let user = 1; user < 9; user++) expect(await again({ targetingKey: `user-${user}` }, tag)).toBe(200);
    core.apply("app", { rollout: 0.5 }, { version: "blue", rollout: 0.1, offset: 0.9 });
    expect(await again(VISITOR, tag)).toBe(304);
    core.apply("app", { rollout: 0.1 }, { version: "blue", rollout: 0.1, offset: 0.9 });
    expect(await again(VISITOR, tag)).toBe(200);
    core.apply("app", { rollout: 0.5 }, { version: "blue", rollout: 0.1, offset: 0.9 });
    core.advance(UNHEALTHY_MS);
    expect(await again(VISITOR, tag)).toBe(200);
  });

  test("OFR-13: two daemons with the same records give the same tag", async () => {
    const other = await Listener.start({ applications: ["app", "web", "a", "a.canary"] });
    other.core.apply("app", { rollout: 0.5 }, { version: "blue", rollout: 0.1, offset: 0.9 });
    for (const name of ["web", "a", "a.canary"]) other.core.apply(name);
    const tags = await Promise.all(
      [listener, other].map(async (each) =>
        (await each.post(undefined, JSON.stringify({ context: VISITOR }))).headers.get("etag"),
      ),
    );
    expect(tags[1]).toBe(tags[0] ?? "none");
    await other.close();
  });

  test("OFR-10: the query of a client does not count, and another method has status 405", async () => {
    const body = JSON.stringify({ context: VISITOR });
    const target = `${FLAGS}?flagConfigEtag=a&flagConfigLastModified=5`;
    expect(answerOf(await listener.client.ask("POST", target, {}, body))["status"]).toBe(200);
    expect((await listener.client.ask("GET", FLAGS)).status).toBe(405);
    expect((await listener.client.ask("POST", "/ofrep/v1/evaluate/flagsx", {}, body)).status).toBe(404);
    expect((await listener.client.ask("GET", "/ofrep/v1/configuration")).status).toBe(404);
  });
});

test("OFR-12: an answer has at most 256 flags, of the first applications, and says how many are left out", async () => {
  const applications = Array.from({ length: 300 }, (_, index) => `app-${index}`);
  const listener = await Listener.start({ applications });
  for (const name of applications) listener.core.apply(name);
  const whole = async () => answerOf(await listener.post(undefined, JSON.stringify({ context: VISITOR })));
  const answer = await whole();
  expect(answer["flags"]).toHaveLength(256);
  expect(answer["metadata"]).toEqual({ applicationsLeftOut: 300 - 128 });
  // It would have three flags, and the next one has two. But no application goes before an earlier one.
  listener.core.apply("app-127", { rollout: 0 }, { version: "blue", rollout: 0 });
  const less = await whole();
  expect(less["flags"]).toHaveLength(254);
  expect(less["metadata"]).toEqual({ applicationsLeftOut: 173 });
  const one = { ...VISITOR, "maxwellsdaemon-application": "app-299" };
  const last = answerOf(await listener.post(undefined, JSON.stringify({ context: one })));
  expect(last["flags"]).toHaveLength(2);
  expect(last["metadata"]).toBeUndefined();
  await listener.close();
});
