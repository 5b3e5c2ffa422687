/** Headers, cookies and bodies of visitors, in good faith and in bad, and the replies to them. */

import { expect } from "bun:test";
import { covers } from "../../../src/circle.ts";
import { eventually } from "../../support/eventually.ts";
import type { Seen } from "../../support/upstream.ts";
import type { Case } from "./case.ts";
import type { Rig, Served } from "./rig.ts";

/** Hostile cookie headers. Each is one header line; characters are bytes. */
const HOSTILE_COOKIES = [
  "maxwellsdaemon=0.5%0a0.6",
  "maxwellsdaemon=0.5%0d%0aset-cookie: a=b",
  "maxwellsdaemon=0.5 force=canary",
  "maxwellsdaemon=0.5\t0.6",
  "maxwellsdaemon=?lease",
  "maxwellsdaemon=?served canary=1000000",
  "maxwellsdaemon=",
  "maxwellsdaemon",
  "maxwellsdaemon=-0.1",
  "maxwellsdaemon=1",
  "maxwellsdaemon=nan",
  "maxwellsdaemon=0x0.8p0",
  "maxwellsdaemon=..",
  "maxwellsdaemon=0.1.2",
  'maxwellsdaemon="0.1"',
  "maxwellsdaemon=\xff\xfe\x80",
  `maxwellsdaemon=${"x".repeat(6_000)}`,
  `maxwellsdaemon=${"\xff".repeat(2_000)}`,
  "=; ;;maxwellsdaemon",
  `${"a=b; ".repeat(800)}maxwellsdaemon=x`,
];

const hostileCookies: Case = {
  id: "hostile-cookies",
  title: "garbage, huge and hostile cookies are served, and count as new visitors",
  async run(rig) {
    for (const each of HOSTILE_COOKIES) {
      const cookie = each.replaceAll("maxwellsdaemon", rig.cookieName);
      const served = await rig.fresh({ headers: [["cookie", cookie]] });
      const what = cookie.slice(0, 80);
      expect([what, served.status, served.cookies.length]).toEqual([what, 200, 1]);
      expect(served.cookies[0]).toStartWith(`${rig.cookieName}=${served.assignment}`);
      expectPlaced(rig, served, 0.25);
    }
    // The daemon gives no visitor such a cookie. Proxies differ: for some a comma ends a cookie, and some
    // accept this many digits, or a number this small. Either way, the visitor is served.
    for (const value of [
      "0,1",
      `1e-${"9".repeat(36)}`,
      ...[23, 40, 300, 6_000].map((digits) => `0.${"1".repeat(digits)}`),
    ]) {
      const served = await rig.placed({ headers: [["cookie", `${rig.cookieName}=${value}`]] });
      expect([value, served.status]).toEqual([value, 200]);
      expectPlaced(rig, served, 0.25);
    }
  },
};

const doubledCookies: Case = {
  id: "doubled-cookies",
  title:
    "if a visitor sends two cookies `maxwellsdaemon`, always the same one counts, and the visitor gets no third",
  async run(rig) {
    const [low, high] = [rig.cookieOf(0.1), rig.cookieOf(0.9)];
    for (const cookie of [`${low}; ${high}`, `${high}; ${low}`, `a=b; ${low}; c=d; ${low}`]) {
      const headers = [["cookie", cookie]] as const;
      const first = await rig.placed({ headers });
      expect([cookie, first.status, first.cookies]).toEqual([cookie, 200, []]);
      expectPlaced(rig, first, 0.25);
      expect(cookie).toContain(`${rig.cookieName}=${first.assignment}`);
      for (let again = 0; again < 5; again++) {
        const { name, assignment } = await rig.placed({ headers });
        expect(assignment).toBe(first.assignment);
        // If a proxy asked and got no answer in time, it has no location to pass on. These visitors have an
        // assignment.
        if (!rig.tells) expect(name).toBe(first.name);
      }
    }
    const twoHeaders = await rig.placed({
      headers: [
        ["cookie", low],
        ["cookie", high],
      ],
    });
    expect(twoHeaders.status).toBe(200);
    expectPlaced(rig, twoHeaders, 0.25);
  },
};

/**
 * The version that served is the right one for the assignment that the upstream got. The upstream got the
 * location, too.
 */
function expectPlaced({ tells }: Rig, { name, assignment, location }: Served, rollout: number): void {
  expect(location).toBe(name);
  if (!tells) {
    expect(assignment).toBe("");
    return;
  }
  expect(assignment).toMatch(/^\d*\.?\d+(e-\d+)?$/);
  expect(Number(assignment)).toBeLessThan(1);
  // A visitor with an unreadable cookie is at master, whatever its new assignment (LP-4).
  if (name === "canary") expect(covers(0, rollout, Number(assignment))).toBe(true);
}

const forged: Case = {
  id: "forged",
  title: "the proxy does not believe visitors' own headers: location, assignment, application, key",
  async run(rig) {
    const lies = [
      ["maxwellsdaemon", "0.1"],
      ["Maxwellsdaemon-Location", "canary"],
      ["maxwellsdaemon-application", "another"],
      ["maxwellsdaemon-key", "a"],
      ["maxwellsdaemon-cookie", "set"],
      ["maxwellsdaemon_location", "canary"],
    ] as const;
    for (const target of ["/", "/decide?application=another", "/?application=another&force=always"]) {
      const headers = [["cookie", rig.cookieOf(0.9)], ...lies] as const;
      const known = await rig.placed({ target, headers });
      expect([known.status, known.name, known.location, known.assignment, known.cookies]).toEqual([
        ...[200, "master", "master", rig.told(0.9)],
        [],
      ]);
      // For CGI and WSGI it is the same header as the one with a dash.
      expect(known.seen?.headers).not.toHaveProperty("maxwellsdaemon_location");
    }
    const names = new Set<string>();
    for (let visitor = 0; visitor < 60; visitor++) {
      const fresh = await rig.fresh({ headers: lies });
      expect([fresh.status, fresh.location, fresh.cookies.length]).toEqual([200, fresh.name, 1]);
      expect(fresh.assignment).not.toBe("0.1");
      names.add(fresh.name);
    }
    expect([...names].sort()).toEqual(["canary", "master"]);
  },
};

const forceOff: Case = {
  id: "force-off",
  title: "no visitor can force a location unless the operator turned that on",
  async run(rig) {
    for (const word of ["always", "canary"]) {
      const known = ["cookie", rig.cookieOf(0.9)] as const;
      const byHeader = await rig.placed({ headers: [known, ["maxwellsdaemon-force", word]] });
      const cookie = `${rig.cookieOf(0.9)}; maxwellsdaemon-force=${word}`;
      const byCookie = await rig.placed({ headers: [["cookie", cookie]] });
      for (const { name, assignment } of [byHeader, byCookie]) {
        expect([name, assignment]).toEqual(["master", rig.told(0.9)]);
      }
    }
    const cookie = `${rig.cookieOf(0.1)}; maxwellsdaemon-force=never`;
    expect((await rig.visitAt("canary", { headers: [["cookie", cookie]] })).name).toBe("canary");
  },
};

const forceOn: Case = {
  id: "force-on",
  title: "if forcing is turned on, always and never force a location, by header before cookie",
  isGuarded: true,
  async run(rig) {
    const cases = [
      [0.9, "", "always", "canary"],
      [0.1, "", "never", "master"],
      [0.9, "always", "", "canary"],
      [0.1, "never", "", "master"],
      [0.1, "never", "always", "canary"],
      [0.9, "always", "never", "master"],
      [0.1, "nobody", "", "canary"],
      [0.9, "", "nobody", "master"],
    ] as const;
    for (const [assignment, cookie, header, wanted] of cases) {
      const cookies = `maxwellsdaemon=${assignment}${cookie && `; maxwellsdaemon-force=${cookie}`}`;
      const more = header === "" ? [] : [["maxwellsdaemon-force", header] as const];
      const { status, name, location } = await rig.visitAt(wanted, {
        headers: [["cookie", cookies], ...more],
      });
      expect([assignment, cookie, header, status, name, location]).toEqual([
        ...[assignment, cookie, header],
        ...[200, wanted, wanted],
      ]);
    }
    // Forcing changes no assignment.
    const fresh = await rig.fresh({ headers: [["maxwellsdaemon-force", "always"]] });
    expect([fresh.name, fresh.cookies.length]).toEqual(["canary", 1]);
    expect(fresh.cookies[0]).toStartWith(`maxwellsdaemon=${fresh.assignment};`);
  },
};

const secure: Case = {
  id: "secure",
  title: "over TLS the cookie is Secure",
  isGuarded: true,
  async run(rig) {
    const { cookies } = await rig.fresh();
    expect(cookies).toHaveLength(1);
    expect(cookies[0]?.split("; ").slice(1).sort()).toEqual([
      ...["HttpOnly", "Max-Age=31536000", "Path=/", "SameSite=Lax", "Secure"],
    ]);
  },
};

const ownCookies: Case = {
  id: "own-cookies",
  title: "the application's own cookies pass, both ways",
  async run(rig) {
    const { cookies: given, seen } = await rig.fresh({
      headers: [
        ["x-set-cookie", "session=1; Path=/"],
        ["cookie", "a=b; c=d"],
      ],
    });
    expect(given.map((cookie) => cookie.split("=")[0]).sort()).toEqual([rig.cookieName, "session"]);
    expect(seen?.headers["cookie"]).toBe("a=b; c=d");
    const cookies = `a=b; ${rig.cookieOf(0.1)}; c=d`;
    const known = await rig.withCookie(cookies, [["x-set-cookie", "session=1"]]);
    expect(known.cookies).toEqual(["session=1"]);
    expect(known.seen?.headers["cookie"]).toBe(cookies);
  },
};

const ownErrors: Case = {
  id: "own-errors",
  title:
    "the application's own errors and redirects pass as they are, and a new visitor keeps its cookie with them",
  async run(rig) {
    for (const status of [302, 400, 401, 403, 404, 500, 502, 503, 504]) {
      const headers = [["x-status", String(status)]] as const;
      const fresh = await rig.fresh({ headers });
      expect([status, fresh.status, fresh.cookies.length]).toEqual([status, status, 1]);
      const [, value = ""] = /^[^=]+=([^;]+);/.exec(fresh.cookies.join()) ?? [];
      // The version's own answer, and not a page of the proxy's.
      const { name, headers: heard } = JSON.parse(fresh.body) as Seen;
      expect([heard["maxwellsdaemon"] ?? "", heard["maxwellsdaemon-location"]]).toEqual([
        rig.told(value),
        name,
      ]);
      const known = await rig.withCookie(rig.cookieOf(0.9), headers);
      expect([status, known.status, known.cookies]).toEqual([status, status, []]);
      expect(JSON.parse(known.body)).toMatchObject({ name: "master" });
    }
  },
};

const bodies: Case = {
  id: "bodies",
  title: "request bodies pass untouched, to the visitor's version",
  async run(rig) {
    for (const [assignment, name] of [
      [0.1, "canary"],
      [0.9, "master"],
    ] as const) {
      for (const bytes of [1, 60_000, 600_000]) {
        const body = Buffer.from(crypto.getRandomValues(new Uint8Array(1_000)))
          .toString("base64")
          .repeat(bytes / 1_000 + 1)
          .slice(0, bytes);
        const headers = [["cookie", rig.cookieOf(assignment)]] as const;
        const served = await rig.visitAt(name, { method: "POST", target: "/a/b?c=d", headers, body });
        expect([served.status, served.name, served.seen?.body === body]).toEqual([200, name, true]);
      }
    }
  },
};

/**
 * An upstream's Cache-Control, and the directives that go out with a new cookie: a shared cache may store
 * none of them.
 */
const CACHE_CONTROLS = [
  ["public, max-age=600", ["no-cache", "private"]],
  ["max-age=600, PRIVATE", ["PRIVATE", "max-age=600"]],
  ["no-store", ["no-store"]],
  // It keeps one field from shared caches, and nothing else.
  ['private="x-user", max-age=600', ["no-cache", "private"]],
  [undefined, ["no-cache", "private"]],
] as const;

/** A page, an image, and a reply that shared caches store although it is an error. */
const CACHED = [
  ["/", 200],
  ["/image.png", 200],
  ["/gone", 404],
] as const;

const sharedCaches: Case = {
  id: "shared-caches",
  title: "a shared cache may not store a reply with a new cookie; all other replies keep their Cache-Control",
  async run(rig) {
    for (const [target, status] of CACHED) {
      for (const [sent, wanted] of CACHE_CONTROLS) {
        const headers: [string, string][] = [["x-status", String(status)]];
        if (sent !== undefined) headers.push(["x-cache-control", sent]);
        const fresh = await rig.fresh({ target, headers });
        const directives = (fresh.headers.get("cache-control") ?? "").split(/, */).sort();
        const what = [target, sent];
        expect([...what, fresh.status, fresh.cookies.length]).toEqual([...what, status, 1]);
        // An error may keep the upstream's directives beside the proxy's. Caches obey the stricter of two
        // directives.
        const expected = rig.integration.newCookieDirectives ?? [...wanted].sort();
        if (status === 200) expect([...what, directives]).toEqual([...what, [...expected]]);
        else expect([...what, ...directives].join()).toMatch(/,(private|no-store)\b(?!=)/i);

        const known = await rig.placed({ target, headers: [["cookie", rig.cookieOf(0.9)], ...headers] });
        const cacheControl = known.headers.get("cache-control");
        expect([...what, known.cookies, cacheControl]).toEqual([...what, [], sent]);
      }
    }
  },
};

/** The answer on a WebSocket of this visitor. */
async function hello(rig: Rig, assignment: number): Promise<string> {
  const headers = { cookie: rig.cookieOf(assignment) };
  const socket = new WebSocket(rig.url.replace("http", "ws"), { headers } as unknown as string[]);
  try {
    return await new Promise<string>((resolve, reject) => {
      socket.onmessage = (message) => resolve(String(message.data));
      socket.onerror = () => reject(new Error("the WebSocket failed"));
      socket.onopen = () => socket.send("hello");
    });
  } finally {
    socket.close();
  }
}

const websockets: Case = {
  id: "websockets",
  title: "WebSockets pass, to the visitor's version",
  async run(rig) {
    for (const [assignment, name] of [
      [0.1, "canary"],
      [0.9, "master"],
    ] as const) {
      let answer = await hello(rig, assignment);
      // As in `decided`: if no daemon decided in time, master answers.
      for (let again = 0; again < 15 && name === "canary" && answer === "master: hello"; again++) {
        await rig.becomes(assignment, name);
        answer = await hello(rig, assignment);
      }
      expect(answer).toBe(`${name}: hello`);
    }
  },
};

const maintenance: Case = {
  id: "maintenance",
  title: "maintenance mode shows the page to all visitors with status 503, and ends",
  async run(rig) {
    rig.write({ canary: 0.25, maintenance: 1 });
    await eventually(async () => (await rig.known(0.1)).status === 503, "maintenance mode");
    await rig.settles();
    for (const visit of [{}, { method: "POST", body: "x", target: "/any/path" }]) {
      const { status, headers, cookies, body } = await rig.visit(visit);
      expect([status, headers.get("retry-after")]).toEqual([503, "120"]);
      if (rig.tells) expect(cookies).toEqual([]);
      expect(headers.get("content-type")).toContain("text/html");
      expect(body).toContain("Back soon");
    }
    rig.write({ canary: 0.25, maintenance: 0 });
    await eventually(async () => (await rig.known(0.1)).status === 200, "the end of maintenance mode");
    await rig.settles();
    await rig.becomes(0.1, "canary");
  },
};

export const VISITORS: readonly Case[] = [
  hostileCookies,
  doubledCookies,
  forged,
  forceOff,
  forceOn,
  secure,
  ownCookies,
  ownErrors,
  sharedCaches,
  bodies,
  websockets,
  maintenance,
];
