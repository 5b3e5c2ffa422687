/** The work of the middleware for a request, without a framework, and cookies on responses of `node:http`. */

import { describe, expect, test } from "bun:test";
import { createServer, type ServerResponse } from "node:http";
import { Client } from "../../src/client/client.ts";
import { addCookie } from "../../src/middleware/set-cookie.ts";
import {
  cookieOf,
  decideVisit,
  tellUpstreams,
  type VisitOptions,
  type VisitorDecision,
} from "../../src/middleware/visit.ts";
import { eventually } from "../support/eventually.ts";
import { FakeDaemon } from "../support/line-peer.ts";
import { freePort } from "../support/port.ts";

const NOBODY = "unix:/nowhere/daemon.sock";

/** The warned functions of one middleware, for all its visits. */
const toldOf = new WeakSet<object>();

/**
 * Decides a visit with a daemon that answers `reply`. Returns the outcome, and the lines that the daemon got.
 */
async function decided(
  reply: string,
  options: Partial<VisitOptions<string>> = {},
  visit: { cookies?: string; force?: string; isTls?: boolean; earlier?: VisitorDecision } = {},
) {
  await using fake = await FakeDaemon.start((_, socket) => void socket.write(reply));
  const client = new Client({ address: fake.address, timeoutMs: 5_000 });
  const outcome = await decideVisit(
    { client, ...options },
    { request: "the request", isTls: false, cookies: undefined, force: undefined, ...visit },
    toldOf,
  );
  client.close();
  return { ...outcome, lines: fake.lines };
}

test.each<[string | undefined, string | undefined]>([
  [undefined, undefined],
  ["", undefined],
  ["maxwellsdaemon=0.1", "0.1"],
  ["a=b;maxwellsdaemon=0.1 ;c=d", "0.1"],
  ["maxwellsdaemon=0.1; maxwellsdaemon=0.2", "0.1"],
  ["maxwellsdaemon=; maxwellsdaemon=0.2", ""],
  ["xmaxwellsdaemon=0.1; maxwellsdaemon-force=x; maxwellsdaemon", undefined],
  ["MaxwellsDaemon=0.1", undefined],
  ["maxwellsdaemon=a=b", "a=b"],
])("among the cookies %p, the visitor's is %p", (header, value) => {
  expect(cookieOf(header, "maxwellsdaemon")).toBe(value);
});

test("a new assignment makes a cookie, Secure over TLS or if the option says so; the visitor's own makes none", async () => {
  const cookie = "maxwellsdaemon=0.5; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax";
  const reply = "0.5\nmaster\n";
  expect((await decided(reply)).cookie).toBe(cookie);
  expect((await decided(reply, {}, { isTls: true })).cookie).toBe(`${cookie}; Secure`);
  expect((await decided(reply, { secure: true })).cookie).toBe(`${cookie}; Secure`);
  expect((await decided(reply, {}, { cookies: "maxwellsdaemon=0.5" })).cookie).toBeUndefined();
});

test("the decision says whether the assignment is new with this response", async () => {
  const isNew = async (cookies?: string) =>
    (await decided("0.5\nmaster\n", { locations: [] }, cookies === undefined ? {} : { cookies })).decision
      .isNew;
  expect([await isNew(), await isNew("maxwellsdaemon=x"), await isNew("maxwellsdaemon=0.5")]).toEqual([
    ...[true, true],
    false,
  ]);
});

test("without a decision there is no cookie, and the visitor keeps its assignment", async () => {
  const client = new Client({ address: NOBODY });
  const visit = { request: "", cookies: "maxwellsdaemon=0.1", force: undefined, isTls: false };
  const { decision, cookie } = await decideVisit({ client }, visit, toldOf);
  expect([decision.assignment, decision.location, cookie]).toEqual(["0.1", "master", undefined]);
});

test("the question carries application and key; a key function that throws or returns nothing gives no key", async () => {
  const reply = "0.5\nmaster\n";
  const { lines } = await decided(reply, { application: "web site", key: (request) => request });
  expect(lines).toEqual([" application=web%20site key=the%20request"]);
  const throwing = () => {
    throw new Error("from the key function");
  };
  for (const key of [throwing, () => undefined, () => ""]) {
    expect((await decided(reply, { key })).lines).toEqual([""]);
  }
});

test("a key of a wrong type does not count: one warning for each function, and a promise that fails does no harm", async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error) => void warnings.push(warning);
  process.on("warning", listen);
  const line = async (key: unknown) =>
    (await decided("0.5\nmaster\n", { key: key as () => string })).lines[0];
  for (const value of [7, 7n, "7"]) expect(await line(() => value)).toBe(" key=7");
  expect(await line(() => null)).toBe("");
  const failing = async () => {
    throw new Error("from the key function");
  };
  for (const key of [failing, () => ({}), () => ["7"], () => true, () => Number.NaN]) {
    for (let i = 0; i < 3; i++) expect(await line(key)).toBe("");
  }
  await eventually(() => warnings.length >= 5, "the warnings");
  process.off("warning", listen);
  const told = warnings.map(({ message }) => message);
  expect(told).toHaveLength(5);
  expect(told[0]).toBe("key gave a promise instead of a string: its visitors have no key");
});

test("the assignment of an earlier decision stays, whatever the cookie says, and there is no second cookie", async () => {
  const reply = "0.5\nmaster\n";
  const earlier = { isDecided: true, assignment: "0.5", location: "canary", isNew: true } as const;
  for (const cookies of ["", "maxwellsdaemon=1", "maxwellsdaemon=0.5"]) {
    const { cookie, lines, decision } = await decided(reply, { application: "shop" }, { cookies, earlier });
    expect([cookie, lines, decision.isNew]).toEqual([undefined, ["0.5 application=shop"], true]);
  }
  const undecided = { isDecided: false, assignment: "0.1", location: "master", reason: "paused" } as const;
  const placed = { ...undecided, isNew: false };
  expect(await decided(reply, {}, { earlier: placed })).toMatchObject({
    cookie: expect.stringContaining("maxwellsdaemon=0.5"),
    lines: [""],
  });
});

test("a location is forced only if the option allows it and the name is valid, and the header comes before the cookie", async () => {
  const reply = "0.5\nmaster\n";
  const cookies = "maxwellsdaemon-force=never";
  const line = async (allowForce: boolean, force?: string) =>
    (await decided(reply, { allowForce }, force === undefined ? { cookies } : { cookies, force })).lines[0];
  expect(await line(false, "always")).toBe("");
  expect(await line(true, "always")).toBe(" force=always");
  expect(await line(true)).toBe(" force=never");
  expect(await line(true, "")).toBe(" force=never");
  expect(await line(true, "a\nb")).toBe("");
});

test("a location that the application does not serve becomes master", async () => {
  expect((await decided("0.5\nblue\n")).decision.location).toBe("master");
  expect((await decided("0.5\nblue\n", { locations: ["blue"] })).decision.location).toBe("blue");
  expect((await decided("0.5\ncanary\n", { locations: ["blue"] })).decision.location).toBe("master");
});

test("upstreams get the decision, and nothing that the visitor claims", () => {
  const forged = {
    ...{ host: "h", maxwellsdaemon: "0.1" },
    ...{ "maxwellsdaemon-location": "canary", maxwellsdaemon_location: "canary" },
  };
  const known: Record<string, unknown> = { ...forged };
  tellUpstreams(known, { isDecided: true, assignment: "0.9", location: "master" });
  expect(known).toEqual({ host: "h", maxwellsdaemon: "0.9", "maxwellsdaemon-location": "master" });
  const unknown: Record<string, unknown> = { ...forged };
  tellUpstreams(unknown, { isDecided: false, assignment: undefined, location: "master", reason: "paused" });
  expect(unknown).toEqual({ host: "h", "maxwellsdaemon-location": "master" });
});

/** The reply of a server whose handler answers one request, with a cookie from `addCookie`. */
async function replyWithCookie(handle: (response: ServerResponse) => void): Promise<Response> {
  const port = await freePort();
  const server = createServer((_, response) => {
    addCookie(response, "ours=1");
    handle(response);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  try {
    return await fetch(`http://127.0.0.1:${port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

describe("a cookie is added to those of a handler that uses", () => {
  const cases: Record<string, (response: ServerResponse) => void> = {
    nothing: (response) => response.end(),
    setHeader: (response) => response.setHeader("set-cookie", ["a=1", "b=2"]).end(),
    appendHeader: (response) => response.appendHeader("Set-Cookie", "a=1").end(),
    "writeHead without headers": (response) => response.setHeader("Set-Cookie", "a=1").writeHead(200).end(),
    "writeHead with other headers": (response) =>
      response.setHeader("Set-Cookie", "a=1").writeHead(200, { "x-a": "b" }).end(),
    "writeHead with an object": (response) => response.writeHead(200, "fine", { "SET-COOKIE": "a=1" }).end(),
    "writeHead with a list in an object": (response) =>
      response.writeHead(200, { "set-cookie": ["a=1", "b=2"] }).end(),
    "writeHead with names and values in turn": (response) =>
      response.setHeader("x-a", "b").writeHead(200, ["x-c", "d", "Set-Cookie", "a=1"]).end(),
    "write and end": (response) => {
      response.setHeader("Set-Cookie", "a=1");
      response.write("x");
      response.end();
    },
    flushHeaders: (response) => {
      response.setHeader("Set-Cookie", "a=1");
      response.flushHeaders();
      response.end();
    },
  };
  for (const [name, handle] of Object.entries(cases)) {
    test(name, async () => {
      const cookies = (await replyWithCookie(handle)).headers.getSetCookie();
      const own = name === "nothing" ? [] : /list|^setHeader/.test(name) ? ["a=1", "b=2"] : ["a=1"];
      expect(cookies.sort()).toEqual([...own, "ours=1"]);
    });
  }
});

describe("with a new cookie, shared caches may not store the response, however the handler sets Cache-Control:", () => {
  const ways: Record<string, (response: ServerResponse, value: string) => void> = {
    setHeader: (response, value) => response.setHeader("cache-control", value).end(),
    "setHeader with a list": (response, value) => response.setHeader("cache-control", [value, "a=1"]).end(),
    "setHeader, and another one in writeHead": (response, value) =>
      response.setHeader("Cache-Control", "no-store").writeHead(200, { "CACHE-CONTROL": value }).end(),
    "writeHead with an object": (response, value) =>
      response.writeHead(200, "fine", { "Cache-Control": value }).end(),
    "writeHead with names and values in turn": (response, value) =>
      response.writeHead(200, ["x-c", "d", "cache-control", value]).end(),
    flushHeaders: (response, value) => {
      response.setHeader("Cache-Control", value).flushHeaders();
      response.end();
    },
  };
  for (const [name, handle] of Object.entries(ways)) {
    test(name, async () => {
      for (const [said, isKept] of [
        ["public, max-age=600", false],
        ['private="x-user"', false],
        ["max-age=1, x-private", false],
        ["no-store", true],
        ["max-age=600,PRIVATE", true],
      ] as const) {
        const { headers } = await replyWithCookie((response) => handle(response, said));
        const own = name === "setHeader with a list" ? `${said}, a=1` : said;
        expect([said, headers.get("cache-control")]).toEqual([said, isKept ? own : "private, no-cache"]);
        expect(headers.getSetCookie()).toEqual(["ours=1"]);
      }
    });
  }

  test("not at all", async () => {
    const { headers } = await replyWithCookie((response) => response.end());
    expect(headers.get("cache-control")).toBe("private, no-cache");
  });
});
