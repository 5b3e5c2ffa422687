/** The verbs of an operator who is logged in, and the writes that a daemon refuses. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { BODY_BYTES_MAX } from "../../src/admin/arrival.ts";
import { KEY, OTHER_KEY } from "../releases/world.ts";
import { act, Served, START_MS } from "./served.ts";

let served: Served;

beforeAll(async () => {
  served = await Served.start();
}, START_MS);

afterAll(() => served.stop());

describe("a write", () => {
  test("needs a login, which ends with a logout", async () => {
    served.startRelease();
    expect((await served.post("/api/act", act("abort"))).status).toBe(401);
    const cookie = await served.logIn();
    expect(await (await fetch(served.at("/api/me"), { headers: { cookie } })).json()).toEqual({
      ...{ name: "ada", canWrite: true, refusal: null },
    });
    expect((await served.post("/api/logout", {}, { cookie })).status).toBe(204);
    expect((await served.post("/api/act", act("abort"), { cookie })).status).toBe(401);
    expect(served.recorded().rollout).toBe(0.05);
  });

  test("to an application that the daemon does not serve is refused", async () => {
    const cookie = await served.logIn();
    for (const application of ["other", "~releases"]) {
      const set = { verb: "set", application, version: "freeze", rollout: 0.5, expect: 0 };
      expect((await served.post("/api/act", set, { cookie })).status).toBe(404);
      expect((await served.post("/api/act", { ...act("abort"), application }, { cookie })).status).toBe(404);
    }
    expect(Object.keys(JSON.parse(readFileSync(served.home.storePath, "utf8")))).toEqual(["website"]);
  });

  test("with a reason that is too long is done, with its beginning", async () => {
    served.startRelease();
    const reply = await served.post(
      "/api/act",
      { ...act("abort"), reason: "é".repeat(600) },
      { cookie: await served.logIn() },
    );
    expect(reply.status).toBe(200);
    expect(served.recorded()).toMatchObject({ rollout: 0, why: "é".repeat(500) });
  });

  test.each([
    ["from another origin", { origin: "http://evil.example" }],
    ["from another site", { "sec-fetch-site": "cross-site" }],
    ["from another port of this host", { "sec-fetch-site": "same-site" }],
    ["from an origin without a name", { origin: "null" }],
    ["of a form", { "content-type": "application/x-www-form-urlencoded" }],
    ["of plain text", { "content-type": "text/plain" }],
  ])("%s is refused, also with a login", async (_, headers) => {
    served.startRelease();
    const cookie = await served.logIn();
    const reply = await served.post("/api/act", act("abort"), { cookie, ...headers });
    expect(reply.status).toBe(403);
    expect(served.recorded().rollout).toBe(0.05);
  });

  test("another site gets no news, because its streams would take the places of pages", async () => {
    for (const site of ["cross-site", "same-site"]) {
      expect((await fetch(served.at("/events"), { headers: { "sec-fetch-site": site } })).status).toBe(403);
    }
  });

  test("with a foreign Host is refused on each route", async () => {
    served.startRelease();
    const code = ["/page.js", "/main.js", "/uplot.js"];
    const files = ["/", ...code, "/page.css", "/icon.svg", "/favicon.ico"];
    for (const path of [...files, "/events", "/api/me", "/api/place", "/metrics", "/state", "/healthz"]) {
      const reply = await fetch(served.at(path), { headers: { host: "evil.example" } });
      expect([path, reply.status]).toEqual([path, 403]);
    }
    const reply = await served.post("/api/act", act("abort"), {
      host: "evil.example",
      cookie: await served.logIn(),
    });
    expect(reply.status).toBe(403);
    expect(served.recorded().rollout).toBe(0.05);
  });

  test("is the verb of a person, pinned to the release that the page showed", async () => {
    served.startRelease();
    const cookie = await served.logIn("grace");
    const stale = await served.post("/api/act", act("promote", KEY, 1), { cookie });
    expect(stale.status).toBe(409);
    expect((await served.post("/api/act", act("abort", OTHER_KEY), { cookie })).status).toBe(409);
    expect(served.recorded().rollout).toBe(0.05);
    const own = served.at("").replace(/\/$/, "");
    const both = await Promise.all(
      [1, 2].map(() =>
        served.post("/api/act", act("promote"), { cookie, origin: own, "sec-fetch-site": "same-origin" }),
      ),
    );
    expect(both.map(({ status }) => status).sort()).toContain(200);
    expect(served.recorded()).toMatchObject({
      rollout: 0.25,
      release: { step: 3 },
      why: expect.stringContaining("INC-42"),
    });
    expect(served.recorded().updatedBy).toStartWith("grace@");
    const aborted = await served.post("/api/act", act("abort"), { cookie });
    expect([aborted.status, (await aborted.json()) as unknown]).toEqual([
      200,
      expect.objectContaining({ text: expect.stringContaining("aborted") }),
    ]);
    expect(served.recorded()).toMatchObject({ rollout: 0, release: { state: "aborted" } });
  });

  test.each(["", "[]", "null", '{"verb":"abort"}', JSON.stringify({ ...act("abort"), step: "2" }), "{"])(
    "law 5: the body %p is not a verb",
    async (body) => {
      expect((await served.post("/api/act", body, { cookie: await served.logIn() })).status).toBe(400);
    },
  );

  test("law 5: a body that is too long is not read", async () => {
    const reply = await served.post("/api/act", "x".repeat(BODY_BYTES_MAX + 1), {
      cookie: await served.logIn(),
    });
    expect(reply.status).toBe(413);
  });
});
