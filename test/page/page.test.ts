/**
 * The page of a real daemon, without a browser: its files, its stream, its login, and the writes that it
 * refuses.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { STREAMS_MAX } from "../../src/admin/admin-connection.ts";
import { BODY_BYTES_MAX } from "../../src/admin/arrival.ts";
import { assignmentOfKey } from "../../src/assignment.ts";
import type { PageNews } from "../../src/page/news.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { KEY, OTHER_KEY, releaseOf } from "../releases/world.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/port.ts";

const TOKEN = "0123456789abcdef0123";

let home: DaemonHome;
let daemon: DaemonProcess;

beforeAll(async () => {
  const flags: string[] = [];
  home = new DaemonHome({ flags, records: { canary: { rollout: 0.05 } } });
  const token = join(home.directory, "token");
  writeFileSync(token, `${TOKEN}\n`, { mode: 0o600 });
  flags.push("-admin-token-file", token);
  daemon = await home.start();
}, 30_000);

afterAll(async () => {
  await daemon.end();
  home.remove();
});

const at = (path: string) => `${daemon.adminUrl}${path}`;

const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  fetch(at(path), {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

async function logIn(name = "ada"): Promise<string> {
  const reply = await post("/api/login", { name, token: TOKEN });
  expect(reply.status).toBe(204);
  const cookie = reply.headers.get("set-cookie") ?? "";
  expect(cookie).toStartWith(`maxwells-daemon-${new URL(at("/")).port}=`);
  expect(cookie).toMatch(/; Path=\/; Max-Age=28800; HttpOnly; SameSite=Strict$/);
  return cookie.split(";", 1)[0] ?? "";
}

/** The states that the stream has sent so far. */
class Page {
  readonly states: PageNews[] = [];
  readonly #ending = new AbortController();

  constructor(query = "") {
    void this.#read(query).catch(() => {});
  }

  get last(): PageNews | undefined {
    return this.states.at(-1);
  }

  close(): void {
    this.#ending.abort();
  }

  async #read(query: string): Promise<void> {
    const reply = await fetch(at(`/events${query}`), { signal: this.#ending.signal });
    expect(reply.headers.get("content-type")).toBe("text/event-stream");
    let text = "";
    for await (const bytes of reply.body ?? []) {
      text += Buffer.from(bytes).toString("utf8");
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        if (event.startsWith("data: ")) this.states.push(JSON.parse(event.slice(6)) as PageNews);
      }
    }
  }
}

describe("the files", () => {
  test.each([
    ["/", "text/html; charset=utf-8", '<div id="page">'],
    ["/page.js", "text/javascript; charset=utf-8", "EventSource"],
    ["/main.js", "text/javascript; charset=utf-8", "Asking the daemon"],
    ["/uplot.js", "text/javascript; charset=utf-8", "canvas"],
    ["/page.css", "text/css; charset=utf-8", "prefers-color-scheme"],
    ["/icon.svg", "image/svg+xml", "<svg"],
    ["/favicon.ico", "image/svg+xml", "<svg"],
  ])("%s comes with a policy under which no other code runs", async (path, type, part) => {
    const reply = await fetch(at(path));
    expect([reply.status, reply.headers.get("content-type")]).toEqual([200, type]);
    expect(await reply.text()).toContain(part);
    const policy = reply.headers.get("content-security-policy") ?? "";
    expect(policy).toStartWith("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|\*|data:/);
    expect(reply.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("come compressed to a client that takes that, with the length of what is sent, and not at all to one that has them", async () => {
    for (const path of ["/", "/page.js", "/main.js", "/uplot.js", "/page.css", "/icon.svg"]) {
      const ask = (encoding: string, more: Readonly<Record<string, string>> = {}, method = "GET") =>
        fetch(at(path), {
          ...{ method, decompress: false },
          headers: { "accept-encoding": encoding, ...more },
        });
      const plain = await ask("identity");
      const small = await ask("deflate, gzip;q=0.5");
      const tags = [plain, small].map(({ headers }) => headers.get("etag") ?? "");
      expect(new Set(tags).size).toBe(2);
      for (const reply of [plain, small]) {
        expect(reply.headers.get("vary")).toBe("Accept-Encoding");
        expect(reply.headers.get("cache-control")).toBe("no-cache");
        expect(reply.headers.get("content-security-policy")).toStartWith("default-src 'none'");
      }
      expect([plain, small].map(({ headers }) => headers.get("content-encoding"))).toEqual([null, "gzip"]);
      const bytes = Buffer.from(await small.arrayBuffer());
      expect(Number(small.headers.get("content-length"))).toBe(bytes.length);
      const text = await plain.text();
      expect(Bun.gunzipSync(bytes)).toEqual(Buffer.from(text) as never);
      if (path === "/main.js") expect(bytes.length).toBeLessThan(0.6 * text.length);

      const head = await ask("gzip", {}, "HEAD");
      expect([head.headers.get("content-length"), head.headers.get("content-encoding")]).toEqual([
        ...[String(bytes.length), "gzip"],
      ]);
      expect((await head.arrayBuffer()).byteLength).toBe(0);
      for (const [encoding, tag] of [
        ["identity", tags[0] ?? ""],
        ["gzip", `"other", W/${tags[1]}`],
      ] as const) {
        const same = await ask(encoding, { "if-none-match": tag });
        expect([same.status, same.headers.get("content-length"), await same.text()]).toEqual([304, null, ""]);
      }
      expect((await ask("identity", { "if-none-match": tags[1] ?? "" })).status).toBe(200);
    }
  });

  test("the code names the licences of the packages that it has", async () => {
    const files = await Promise.all(
      ["/main.js", "/uplot.js"].map(async (path) => (await fetch(at(path))).text()),
    );
    const code = files.join("");
    for (const name of ["preact", "@preact/signals", "@preact/signals-core", "uplot"]) {
      expect(code).toContain(`\n${name}\n\n`);
    }
    expect(code.match(/Permission is hereby granted/g)).toHaveLength(4);
  });

  test("the pages of before are as they were", async () => {
    expect(await (await fetch(at("/healthz"))).text()).toBe("ok\n");
    expect((await fetch(at("/state"))).headers.get("content-security-policy")).toBeNull();
    expect((await fetch(at("/state"), { method: "POST" })).status).toBe(405);
  });
});

describe("the stream", () => {
  test("sends whole states: at once, each second, and within 200 ms of a change", async () => {
    const page = new Page();
    await eventually(() => page.states.length >= 3, "three states");
    expect(page.last).toMatchObject({
      daemon: { store: `file:${home.storePath}`, notReady: null },
      list: { total: 1, applications: [{ name: "website", isFresh: true, arcs: "canary 5%" }] },
      application: {
        ...{ name: "website", isRead: true, releases: [] },
        arcs: [{ version: "canary", rollout: 0.05 }],
      },
    });
    home.write({ canary: { rollout: 0.5 } });
    const wroteMs = performance.now();
    await eventually(() => page.last?.application?.arcs[0]?.rollout === 0.5, "the change");
    expect(performance.now() - wroteMs).toBeLessThan(1_000);
    page.close();
  });

  test("sends no more than four states a second, however much changes", async () => {
    const page = new Page();
    await eventually(() => page.states.length >= 1, "a state");
    const before = page.states.length;
    const beganMs = performance.now();
    for (let n = 0; n < 40; n++) {
      home.write({ canary: { rollout: n / 100 } });
      await Bun.sleep(25);
    }
    const seconds = (performance.now() - beganMs) / 1_000;
    expect(page.states.length - before).toBeLessThanOrEqual(4 * seconds + 2);
    expect(page.states.length - before).toBeGreaterThan(2);
    page.close();
  });

  test("an application that the daemon does not serve is null, and markup in a record is text", async () => {
    const page = new Page("?application=other");
    const markup = "<img src=x onerror=alert(1)>";
    home.write({ canary: { rollout: 0.05, why: markup, updatedBy: markup } });
    const own = new Page("?application=website");
    await eventually(() => page.last !== undefined && own.last !== undefined, "a state of each");
    expect(page.last?.application).toBeNull();
    await eventually(() => own.last?.application?.history[0]?.why === markup, "the record");
    page.close();
    own.close();
  });

  test(`a page beyond ${STREAMS_MAX} is refused, and there is room again when others close`, async () => {
    const pages = Array.from({ length: STREAMS_MAX }, () => new Page());
    await eventually(() => pages.every(({ last }) => last !== undefined), "all pages");
    expect((await fetch(at("/events"))).status).toBe(503);
    expect((await fetch(at("/healthz"))).status).toBe(200);
    for (const page of pages) page.close();
    const again = new Page();
    await eventually(async () => {
      if (again.last !== undefined) return true;
      const reply = await fetch(at("/events"));
      await reply.body?.cancel();
      return reply.status === 200;
    }, "room for a page");
    again.close();
  });
});

const act = (verb: string, key = KEY, step = 2) => ({
  ...{ verb, application: "website", version: "canary", key, step },
  reason: "INC-42",
});

/** The record with a release at 5 %. */
function startRelease(): void {
  const release = releaseOf({ since: new Date().toISOString() });
  home.write({ canary: { rollout: 0.05, offset: 0.25, release: releaseField(release) } });
}

const recorded = () => JSON.parse(readFileSync(home.storePath, "utf8")).website.canary;

test("the first state of a page has the release, because without it the page would say that there is none", async () => {
  startRelease();
  const page = new Page();
  await eventually(() => page.last !== undefined, "a state");
  expect(page.states[0]?.application?.releases).toMatchObject([{ state: "running", step: 2 }]);
  page.close();
});

describe("a write", () => {
  test("needs a login, which ends with a logout", async () => {
    startRelease();
    expect((await post("/api/act", act("abort"))).status).toBe(401);
    const cookie = await logIn();
    expect(await (await fetch(at("/api/me"), { headers: { cookie } })).json()).toEqual({
      ...{ name: "ada", canWrite: true, refusal: null },
    });
    expect((await post("/api/logout", {}, { cookie })).status).toBe(204);
    expect((await post("/api/act", act("abort"), { cookie })).status).toBe(401);
    expect(recorded().rollout).toBe(0.05);
  });

  test("a new login ends the one that the browser had, and the cookie of another port is not looked at", async () => {
    const first = await logIn();
    const again = await post("/api/login", { name: "grace", token: TOKEN }, { cookie: first });
    const second = (again.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
    const nameOf = async (cookie: string) =>
      ((await (await fetch(at("/api/me"), { headers: { cookie } })).json()) as { readonly name: unknown })
        .name;
    expect([await nameOf(first), await nameOf(second)]).toEqual([null, "grace"]);
    expect(await nameOf(second.replace(/^maxwells-daemon-\d+/, "maxwells-daemon-1"))).toBeNull();
    expect(await nameOf(`maxwells-daemon-1=x; ${second}`)).toBe("grace");
  });

  test("behind a proxy with TLS, the cookie is for TLS alone", async () => {
    const { host } = new URL(at("/"));
    const headers = { origin: `https://${host}` };
    const reply = await post("/api/login", { name: "ada", token: TOKEN }, headers);
    expect(reply.headers.get("set-cookie")).toEndWith("; HttpOnly; SameSite=Strict; Secure");
  });

  test("to an application that the daemon does not serve is refused", async () => {
    const cookie = await logIn();
    for (const application of ["other", "~releases"]) {
      const set = { verb: "set", application, version: "freeze", rollout: 0.5, expect: 0 };
      expect((await post("/api/act", set, { cookie })).status).toBe(404);
      expect((await post("/api/act", { ...act("abort"), application }, { cookie })).status).toBe(404);
    }
    expect(Object.keys(JSON.parse(readFileSync(home.storePath, "utf8")))).toEqual(["website"]);
  });

  test("its author is in the log from the login on, and a wrong token is told without the name beside it", async () => {
    await logIn("grace");
    const isTold = () => /an operator has logged in to the page.*grace/.test(daemon.log);
    await eventually(isTold, "the line of the login");
    expect((await post("/api/login", { name: "hunter2", token: "a-wrong-token" })).status).toBe(403);
    await eventually(() => daemon.log.includes("a login to the page was refused"), "the line");
    expect(daemon.log).not.toMatch(/hunter2|a-wrong-token/);
    expect(daemon.log).not.toContain(TOKEN);
  });

  test("with a reason that is too long is done, with its beginning", async () => {
    startRelease();
    const reply = await post(
      "/api/act",
      { ...act("abort"), reason: "é".repeat(600) },
      { cookie: await logIn() },
    );
    expect(reply.status).toBe(200);
    expect(recorded()).toMatchObject({ rollout: 0, why: "é".repeat(500) });
  });

  test.each([
    ["from another origin", { origin: "http://evil.example" }],
    ["from another site", { "sec-fetch-site": "cross-site" }],
    ["from another port of this host", { "sec-fetch-site": "same-site" }],
    ["from an origin without a name", { origin: "null" }],
    ["of a form", { "content-type": "application/x-www-form-urlencoded" }],
    ["of plain text", { "content-type": "text/plain" }],
  ])("%s is refused, also with a login", async (_, headers) => {
    startRelease();
    const cookie = await logIn();
    const reply = await post("/api/act", act("abort"), { cookie, ...headers });
    expect(reply.status).toBe(403);
    expect(recorded().rollout).toBe(0.05);
  });

  test("another site gets no news, because its streams would take the places of pages", async () => {
    for (const site of ["cross-site", "same-site"]) {
      expect((await fetch(at("/events"), { headers: { "sec-fetch-site": site } })).status).toBe(403);
    }
  });

  test("with a foreign Host is refused on each route", async () => {
    startRelease();
    const code = ["/page.js", "/main.js", "/uplot.js"];
    const files = ["/", ...code, "/page.css", "/icon.svg", "/favicon.ico"];
    for (const path of [...files, "/events", "/api/me", "/api/place", "/metrics", "/state", "/healthz"]) {
      const reply = await fetch(at(path), { headers: { host: "evil.example" } });
      expect([path, reply.status]).toEqual([path, 403]);
    }
    const reply = await post("/api/act", act("abort"), { host: "evil.example", cookie: await logIn() });
    expect(reply.status).toBe(403);
    expect(recorded().rollout).toBe(0.05);
  });

  test("is the verb of a person, pinned to the release that the page showed", async () => {
    startRelease();
    const cookie = await logIn("grace");
    const stale = await post("/api/act", act("promote", KEY, 1), { cookie });
    expect(stale.status).toBe(409);
    expect((await post("/api/act", act("abort", OTHER_KEY), { cookie })).status).toBe(409);
    expect(recorded().rollout).toBe(0.05);
    const own = at("").replace(/\/$/, "");
    const both = await Promise.all(
      [1, 2].map(() =>
        post("/api/act", act("promote"), { cookie, origin: own, "sec-fetch-site": "same-origin" }),
      ),
    );
    expect(both.map(({ status }) => status).sort()).toContain(200);
    expect(recorded()).toMatchObject({
      rollout: 0.25,
      release: { step: 3 },
      why: expect.stringContaining("INC-42"),
    });
    expect(recorded().updatedBy).toStartWith("grace@");
    const aborted = await post("/api/act", act("abort"), { cookie });
    expect([aborted.status, (await aborted.json()) as unknown]).toEqual([
      200,
      expect.objectContaining({ text: expect.stringContaining("aborted") }),
    ]);
    expect(recorded()).toMatchObject({ rollout: 0, release: { state: "aborted" } });
  });

  test.each(["", "[]", "null", '{"verb":"abort"}', JSON.stringify({ ...act("abort"), step: "2" }), "{"])(
    "law 5: the body %p is not a verb",
    async (body) => {
      expect((await post("/api/act", body, { cookie: await logIn() })).status).toBe(400);
    },
  );

  test("law 5: a body that is too long is not read", async () => {
    const reply = await post("/api/act", "x".repeat(BODY_BYTES_MAX + 1), { cookie: await logIn() });
    expect(reply.status).toBe(413);
  });
});

describe("a rollout by hand", () => {
  const set = (rollout: unknown, expected: unknown, version = "canary") => ({
    ...{ verb: "set", application: "website", version, rollout, expect: expected, reason: "by hand" },
  });

  test("is written with its author and reason, if the rollout is still the one that the page showed", async () => {
    home.write({ canary: { rollout: 0.05 } });
    const cookie = await logIn("grace");
    const stale = await post("/api/act", set(0.2, 0.1), { cookie });
    expect([stale.status, ((await stale.json()) as { readonly text: string }).text]).toEqual([
      409,
      expect.stringContaining("canary of website is 5% (0.05) and not 10% (0.1)"),
    ]);
    expect(recorded().rollout).toBe(0.05);
    const done = await post("/api/act", set(0.2, 0.05), { cookie });
    expect([done.status, ((await done.json()) as { readonly text: string }).text]).toEqual([
      200,
      expect.stringContaining("canary of website: 5% (0.05) → 20% (0.2)"),
    ]);
    expect(recorded()).toMatchObject({ rollout: 0.2, why: "by hand" });
    expect(recorded().updatedBy).toStartWith("grace@");
  });

  test("does not raise a version with a release under way, and a lower one pauses the release", async () => {
    startRelease();
    const cookie = await logIn();
    const raised = await post("/api/act", set(0.2, 0.05), { cookie });
    expect([raised.status, recorded().rollout]).toEqual([409, 0.05]);
    const lowered = await post("/api/act", set(0.02, 0.05), { cookie });
    expect([lowered.status, recorded().rollout, recorded().release.state]).toEqual([200, 0.02, "paused"]);
  });

  test("down to 0 does not ask what was there, and aborts the release", async () => {
    startRelease();
    const reply = await post("/api/act", set(0, 0.9), { cookie: await logIn() });
    expect([reply.status, recorded().rollout, recorded().release.state]).toEqual([200, 0, "aborted"]);
  });

  test.each([
    ["a share above 1", set(1.5, 0.05)],
    ["a share as text", set("0.5", 0.05)],
    ["no share that the page showed", set(0.5, undefined)],
    ["master", set(0.5, 0, "master")],
    ["half a maintenance", set(0.5, 0, "maintenance")],
  ])("with %s is refused", async (_, body) => {
    home.write({ canary: { rollout: 0.05 } });
    expect((await post("/api/act", body, { cookie: await logIn() })).status).toBe(400);
    expect(recorded().rollout).toBe(0.05);
  });
});

test("a freeze is for all releases, and its end is pinned to the freeze that the page showed", async () => {
  home.write({ canary: { rollout: 0.05 } });
  const page = new Page();
  const cookie = await logIn("grace");
  const frozen = await post("/api/act", { verb: "freeze", reason: "Black Friday" }, { cookie });
  expect(frozen.status).toBe(200);
  await eventually(() => page.last?.application?.freeze?.isFrozen === true, "the freeze on the page");
  const { text = "", at } = page.last?.application?.freeze ?? {};
  expect(text).toContain("releases are frozen by grace@");
  const other = await post("/api/act", { verb: "unfreeze", seenAt: "2026-01-01T00:00:00.000Z" }, { cookie });
  expect(other.status).toBe(409);
  expect((await post("/api/act", { verb: "unfreeze", seenAt: at }, { cookie })).status).toBe(200);
  await eventually(() => page.last?.application?.freeze?.isFrozen === false, "the end of the freeze");
  await eventually(() => page.last?.application?.freezes.length === 2, "both in the history");
  expect(page.last?.application?.freezes).toMatchObject([
    { isFrozen: false, why: null },
    { isFrozen: true, at, why: "Black Friday", author: expect.stringMatching(/^grace@/) },
  ]);
  page.close();
});

describe("the place of one visitor", () => {
  const placed = async (query: string) => {
    const reply = await fetch(at(`/api/place?${query}`));
    return reply.ok ? ((await reply.json()) as Record<string, unknown>) : reply.status;
  };

  test("is that of a request with the same number or key, and is not counted", async () => {
    home.write({ canary: { rollout: 0.5, offset: 0.25 } });
    await daemon.follows("canary", 0.5, 0.25);
    const counts = async () => (await daemon.state()).applications[0]?.decisions;
    const before = await counts();
    expect(await placed("application=website&assignment=0.3")).toMatchObject({
      ...{ assignment: 0.3, location: "canary", reason: "rollout" },
      ...{ sentence: "the assignment is in the version's arc", isInMaintenance: false },
    });
    expect(await placed("assignment=0.2")).toMatchObject({ location: "master", reason: "outside" });
    const byKey = await placed("application=website&key=user-1");
    expect(byKey).toMatchObject({ assignment: assignmentOfKey("user-1") });
    const { assignment, location } = byKey as Record<string, unknown>;
    expect(await home.ask(String(assignment))).toBe(String(location));
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
    expect(daemon.log).not.toContain("xxx");
  });

  test("cannot be written, nor asked under a foreign Host", async () => {
    expect((await post("/api/place", {})).status).toBe(405);
    const foreign = await fetch(at("/api/place?assignment=0.1"), { headers: { host: "evil.example" } });
    expect(foreign.status).toBe(403);
  });
});

test("a token is not guessed: after five wrong ones that client waits a minute, and others log in", async () => {
  const own = new DaemonHome({ flags: ["-admin-token-file", join(home.directory, "token")] });
  const other = await own.start();
  const attempt = async (token: string, headers: Readonly<Record<string, string>> = {}) => {
    const reply = await fetch(`${other.adminUrl}/api/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify({ name: "eve", token }),
    });
    return reply.status;
  };
  for (let n = 0; n < 5; n++) expect(await attempt(`guess-${n}`)).toBe(403);
  expect(await attempt(TOKEN)).toBe(429);
  // A client of a proxy on this machine.
  expect(await attempt(TOKEN, { "x-forwarded-for": "203.0.113.7" })).toBe(204);
  await other.end();
  own.remove();
});

test("a page that other machines can reach needs a login for its news, which end with the login", async () => {
  const port = await freePort();
  const flags = ["-admin", `0.0.0.0:${port}`, "-admin-token-file", join(home.directory, "token")];
  const own = new DaemonHome({ flags });
  const other = await own.start();
  const url = `http://127.0.0.1:${port}`;
  expect((await fetch(`${url}/events`)).status).toBe(401);
  expect((await fetch(`${url}/api/place?assignment=0.1`)).status).toBe(401);
  expect((await fetch(`${url}/page.js`)).status).toBe(200);
  const reply = await fetch(`${url}/api/login`, {
    ...{ method: "POST", headers: { "Content-Type": "application/json" } },
    body: JSON.stringify({ name: "ada", token: TOKEN }),
  });
  const cookie = (reply.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  const news = await fetch(`${url}/events`, { headers: { cookie } });
  const parts = news.body?.getReader();
  let heard = "";
  const hear = async () => {
    const part = await parts?.read();
    heard += Buffer.from(part?.value ?? []).toString("utf8");
    return part?.done;
  };
  while (!heard.includes("data: ")) await hear();
  await fetch(`${url}/api/logout`, {
    ...{ method: "POST", headers: { "Content-Type": "application/json", cookie }, body: "{}" },
  });
  while ((await hear()) === false);
  await other.end();
  own.remove();
});

test("without a usable token the page only shows, the log says why, and visitors are served", async () => {
  const path = join(home.directory, "open-token");
  writeFileSync(path, TOKEN);
  chmodSync(path, 0o644);
  const own = new DaemonHome({ flags: ["-admin-token-file", path] });
  const other = await own.start();
  expect(other.log).toContain("no operator can log in to the page");
  expect(await (await fetch(`${other.adminUrl}/api/me`)).json()).toEqual({
    ...{ name: null, canWrite: false, refusal: null },
  });
  expect(await own.ask("0.1")).toBe("canary");
  await other.end();
  own.remove();
});

test("a proxy names the operator in its header, if that is a name", async () => {
  const own = new DaemonHome({ flags: ["-admin-user-header", "X-Forwarded-User"] });
  const other = await own.start();
  const named = async (name: string) => {
    const reply = await fetch(`${other.adminUrl}/api/me`, { headers: { "X-Forwarded-User": name } });
    return ((await reply.json()) as { readonly name: string | null }).name;
  };
  expect(await named("ada@example.com")).toBe("ada@example.com");
  for (const wrong of ["", "<b>ada</b>", "a b", "x".repeat(65)]) expect(await named(wrong)).toBeNull();
  await other.end();
  own.remove();
});
