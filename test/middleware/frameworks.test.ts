/**
 * The middleware in real applications of Express, Fastify and Hono, in Node and in Bun. The package is
 * installed as users install it, and the daemon is a real one. These tests prove each promise, above all law
 * 4.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import {
  type App,
  appOf,
  exampleOf,
  FRAMEWORK_PACKAGES,
  FRAMEWORKS,
  Installed,
} from "../support/installed.ts";
import type { Seen } from "../support/upstream.ts";

/** The headers that only an application on `node:http` sees. */
interface SeenRaw extends Seen {
  readonly rawHeaders: readonly string[];
  readonly headersDistinct: Readonly<Record<string, readonly string[]>>;
}

let installed: Installed;

const readme = () => Bun.file(new URL("../../integrations/node/README.md", import.meta.url)).text();

/** The branch of an example that serves the canary. */
const CANARYS_PAGE = /(return |response\.send|return c\.text)\(?"the canary serves you\\n"\)?/;

beforeAll(() => {
  installed = new Installed(...FRAMEWORK_PACKAGES);
});
afterAll(() => installed.remove());

for (const framework of FRAMEWORKS) {
  for (const runtime of ["node", "bun"] as const) {
    describe(`${framework} in ${runtime}`, () => {
      const home = new DaemonHome({ records: { canary: 0.25 }, flags: ["-allow-force"] });
      const socket = `unix:${home.socket}`;
      let daemon: DaemonProcess;
      /** A time limit that is long enough for a busy machine, for the tests that look at decisions. */
      const patient = { MAXWELLS_DAEMON_SOCKET: socket, TIMEOUT_MS: "2000" };
      let app: App;

      beforeAll(async () => {
        daemon = await home.start();
        app = await installed.start(appOf(framework), { runtime, env: patient });
      });
      afterAll(async () => {
        await app.stop();
        await daemon.end("SIGKILL");
        home.remove();
      });

      async function visit(
        headers: Readonly<Record<string, string>> = {},
        init: RequestInit = {},
        url = app.url,
      ) {
        const response = await fetch(`${url}/some/path?q=1`, { ...init, headers });
        const seen = (await response.json()) as Seen;
        return { status: response.status, seen, cookies: response.headers.getSetCookie() };
      }
      const known = (assignment: string) => visit({ cookie: `a=b; maxwellsdaemon=${assignment}; c=d` });

      test("visitors get the version of their assignment, and keep the assignment", async () => {
        for (let i = 0; i < 100; i++) {
          const assignment = String(i / 100);
          const { status, seen, cookies } = await known(assignment);
          const location = i < 25 ? "canary" : "master";
          expect([status, seen.name, cookies]).toEqual([200, location, []]);
          expect(seen.headers["maxwellsdaemon"]).toBe(assignment);
          expect(seen.headers["maxwellsdaemon-location"]).toBe(location);
        }
      });

      test("a new visitor gets a cookie beside the application's own, and keeps its version", async () => {
        const { seen, cookies } = await visit({ "x-set-cookie": "session=1" });
        expect(cookies.map((cookie) => cookie.split("=")[0]).sort()).toEqual(["maxwellsdaemon", "session"]);
        const ours = cookies.find((cookie) => cookie.startsWith("maxwellsdaemon=")) ?? "";
        const [, assignment = "", attributes] = /^maxwellsdaemon=([\d.e-]+); (.*)$/.exec(ours) ?? [];
        expect(attributes).toBe("Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax");
        expect(seen.headers["maxwellsdaemon"]).toBe(assignment);
        const again = await known(assignment);
        expect([again.seen.name, again.cookies]).toEqual([seen.name, []]);
      });

      test("a shared cache may not store a response with a new cookie; other responses keep their Cache-Control", async () => {
        for (const [said, wanted] of [
          ["public, max-age=600", "private, no-cache"],
          ["no-store", "no-store"],
          ["private, max-age=600", "private, max-age=600"],
          [undefined, "private, no-cache"],
        ] as const) {
          const headers = said === undefined ? {} : { "x-cache-control": said };
          const cacheControl = async (cookie: string) => {
            const response = await fetch(app.url, { headers: { ...headers, cookie } });
            await response.text();
            return [response.headers.getSetCookie().length, response.headers.get("cache-control")];
          };
          expect(await cacheControl("a=b")).toEqual([1, wanted]);
          expect(await cacheControl("maxwellsdaemon=0.5")).toEqual([0, said ?? null]);
        }
      });

      test("the decision does not depend on a visitor's headers, and forcing is off", async () => {
        const { seen } = await visit({
          cookie: "maxwellsdaemon=0.9; maxwellsdaemon-force=canary",
          maxwellsdaemon: "0.1",
          "maxwellsdaemon-location": "canary",
          maxwellsdaemon_location: "canary",
          "maxwellsdaemon-force": "canary",
        });
        expect(seen.name).toBe("master");
        // For an upstream behind CGI or WSGI, this would be the same header.
        expect(seen.headers["maxwellsdaemon_location"]).toBeUndefined();
        expect(seen.headers["maxwellsdaemon"]).toBe("0.9");
        expect(seen.headers["maxwellsdaemon-location"]).toBe("master");
      });

      // A request of Hono is not a `node:http` one, and does not change.
      test.skipIf(framework === "hono")(
        "a proxy in the application does not pass on a visitor's claims, whichever headers it copies",
        async () => {
          for (const cookie of ["maxwellsdaemon=0.9", "a=b"]) {
            const forged = {
              MaxwellsDaemon: "0.1",
              "Maxwellsdaemon-LOCATION": "canary",
              maxwellsdaemon_location: "canary",
              "x-a": "b",
            };
            const { seen } = await visit({ cookie, ...forged });
            const { headers, rawHeaders, headersDistinct } = seen as SeenRaw;
            const pairs = rawHeaders.flatMap((name, i) => (i % 2 ? [] : [[name, rawHeaders[i + 1]]]));
            const ours = pairs.filter(([name]) => name?.toLowerCase().startsWith("maxwellsdaemon"));
            expect(ours).toEqual([
              ["maxwellsdaemon", headers["maxwellsdaemon"]],
              ["maxwellsdaemon-location", headers["maxwellsdaemon-location"]],
            ]);
            expect(headers["maxwellsdaemon"]).not.toBe("0.1");
            expect(pairs.find(([name]) => name?.toLowerCase() === "x-a")).toEqual([expect.anything(), "b"]);
            expect(headersDistinct).toMatchObject({ "x-a": ["b"], cookie: [cookie] });
            expect(Object.keys(headersDistinct).filter((name) => name.startsWith("maxwells"))).toEqual([]);
          }
          const { seen } = await known("0.9");
          expect((seen as SeenRaw).rawHeaders.slice(-4)).toEqual([
            ...["maxwellsdaemon", "0.9"],
            ...["maxwellsdaemon-location", "master"],
          ]);
        },
      );

      test("the first cookie counts, and a visitor with a hostile cookie is new", async () => {
        expect(await visit({ cookie: "maxwellsdaemon=0.1; maxwellsdaemon=0.9" })).toMatchObject({
          seen: { name: "canary" },
          cookies: [],
        });
        for (const hostile of [
          "0.5%0a0.6",
          "0.5 force=canary",
          "?lease",
          "",
          "nan",
          "1",
          `0.${"1".repeat(90)}`,
        ]) {
          const { status, cookies } = await visit({ cookie: `maxwellsdaemon=${hostile}` });
          expect([hostile, status, cookies.length]).toEqual([hostile, 200, 1]);
        }
      });

      test("bodies pass unchanged", async () => {
        const body = Buffer.from(crypto.getRandomValues(new Uint8Array(50_000))).toString("base64");
        const { seen } = await visit(
          { cookie: "maxwellsdaemon=0.1", "content-type": "text/plain" },
          { method: "POST", body },
        );
        expect([seen.name, seen.body]).toEqual(["canary", body]);
      });

      test("if forcing is allowed, the header comes before the cookie; over TLS the cookie is Secure", async () => {
        const forcing = await installed.start(appOf(framework), {
          runtime,
          env: { ...patient, ALLOW_FORCE: "1", SECURE: "1" },
        });
        try {
          const cookie = "maxwellsdaemon=0.9; maxwellsdaemon-force=always";
          expect((await visit({ cookie }, {}, forcing.url)).seen.name).toBe("canary");
          const both = { cookie, "maxwellsdaemon-force": "never" };
          expect((await visit(both, {}, forcing.url)).seen.name).toBe("master");
          const odd = { cookie: "maxwellsdaemon=0.9", "maxwellsdaemon-force": "canary x=%0a" };
          expect((await visit(odd, {}, forcing.url)).seen.name).toBe("master");
          const secure = await visit({ "x-forwarded-proto": "https" }, {}, forcing.url);
          expect(secure.cookies).toHaveLength(1);
          expect(secure.cookies[0]).toEndWith("; HttpOnly; SameSite=Lax; Secure");
        } finally {
          await forcing.stop();
        }
      });

      test("two in a row before a route give a new visitor one assignment, and one cookie with it", async () => {
        const twice = await installed.start(appOf(framework), { runtime, env: { ...patient, TWICE: "1" } });
        try {
          for (const cookie of ["a=b", "maxwellsdaemon=1"]) {
            const { seen, cookies } = await visit({ cookie }, {}, twice.url);
            expect(cookies.map((each) => each.split(";")[0])).toEqual([
              `maxwellsdaemon=${seen.headers["maxwellsdaemon"]}`,
            ]);
          }
        } finally {
          await twice.stop();
        }
      });

      test.skipIf(framework !== "hono")(
        "the middleware leaves the answer alone if the handler sends it by itself",
        async () => {
          for (const cookie of ["a=b", "maxwellsdaemon=0.1"]) {
            const response = await fetch(`${app.url}/sent`, { headers: { cookie } });
            expect(await response.text()).toBe("begun, ended");
          }
        },
      );

      test("a version that the application does not have becomes master", async () => {
        home.write({ canary: 0, blue: 1 });
        await daemon.follows("blue", 1);
        const { seen } = await known("0.5");
        expect([seen.name, seen.headers["maxwellsdaemon-location"]]).toEqual(["master", "master"]);
        home.write({ canary: 0.25 });
        await daemon.follows("canary", 0.25);
      });

      test("law 4: a daemon that hangs or is killed costs visitors nothing but the canary", async () => {
        const env = { MAXWELLS_DAEMON_SOCKET: socket };
        const usual = await installed.start(appOf(framework), { runtime, env });
        const visitor = (headers: Readonly<Record<string, string>>) => visit(headers, {}, usual.url);
        const canary = async () => (await visitor({ cookie: "maxwellsdaemon=0.1" })).seen.name === "canary";
        try {
          await eventually(canary, "the canary");
          daemon.signal("SIGSTOP");
          for (let i = 0; i < 50; i++) {
            const { status, seen, cookies } = await visitor({ cookie: "maxwellsdaemon=0.1" });
            const kept = seen.headers["maxwellsdaemon"];
            expect([status, seen.name, kept, cookies]).toEqual([200, "master", "0.1", []]);
          }
          daemon.signal("SIGCONT");
          await eventually(canary, "the canary again");
          await daemon.end("SIGKILL");
          for (let i = 0; i < 50; i++) {
            const { status, seen, cookies } = await visitor({ maxwellsdaemon: "0.1" });
            const kept = seen.headers["maxwellsdaemon"];
            expect([status, seen.name, kept, cookies]).toEqual([200, "master", undefined, []]);
          }
          daemon = await home.start();
          await eventually(canary, "the canary of the next daemon");
          await eventually(() => usual.log.includes("does not answer"), "the daemon's loss in the log");
          await eventually(() => usual.log.includes("answers again"), "the daemon's return in the log");
        } finally {
          await usual.stop();
        }
      });
    });
  }

  test(`if the canary fails in the shipped example of ${framework}, the README's command shows it, and replies name the version`, async () => {
    const home = new DaemonHome({ records: { canary: 0.25 } });
    const daemon = await home.start();
    const app = await installed.start(exampleOf(framework), {
      env: { MAXWELLS_DAEMON_SOCKET: `unix:${home.socket}` },
      edit: (source) =>
        source
          .replace(CANARYS_PAGE, 'throw new Error("broken")')
          // The machine is busy with tests, so the example gets a longer time limit.
          .replace("address:", "timeoutMs: 2_000, address:"),
    });
    try {
      const served: Record<string, number> = { master: 0, canary: 0 };
      for (let visitor = 0; visitor < 80; visitor++) {
        const headers = { cookie: visitor % 2 === 0 ? `maxwellsdaemon=${visitor / 80}` : "a=b" };
        const response = await fetch(app.url, { headers });
        await response.text();
        const version = response.headers.get("maxwellsdaemon-location") ?? "none";
        expect([version, response.status]).toEqual(version === "canary" ? ["canary", 500] : ["master", 200]);
        served[version] = (served[version] ?? 0) + 1;
      }
      expect(served["canary"]).toBeGreaterThan(5);
      const page = await readme();
      const [, awk = ""] = /^journalctl .* \| (awk .*)$/m.exec(page) ?? [];
      const printed = async () =>
        (await Bun.$`sh -c ${awk} < ${new Response(app.output)}`.text()).trim().split("\n").sort();
      const wanted = [
        `canary: ${served["canary"]} requests, ${served["canary"]} errors (100.0 %)`,
        `master: ${served["master"]} requests, 0 errors (0.0 %)`,
      ];
      await eventually(async () => Bun.deepEquals(await printed(), wanted), wanted.join());
      expect(app.output).toMatch(/^website canary 0\.1 500 \d+\.\d{3} -$/m);
      expect(app.output).toMatch(/^website (master|canary) 0\.\d+ (200|500) \d+\.\d{3} new$/m);
    } finally {
      await app.stop();
      await daemon.end("SIGKILL");
      home.remove();
    }
  });

  test(`the shipped example of ${framework} serves both versions`, async () => {
    const home = new DaemonHome({ records: { canary: 0.25 } });
    const daemon = await home.start();
    const app = await installed.start(exampleOf(framework), {
      env: { MAXWELLS_DAEMON_SOCKET: `unix:${home.socket}` },
    });
    try {
      const page = async (path: string, assignment: string) =>
        (await fetch(`${app.url}${path}`, { headers: { cookie: `maxwellsdaemon=${assignment}` } })).text();
      await eventually(
        async () => (await page("/", "0.1")) === "the canary serves you\n",
        "the canary's page",
      );
      expect(await page("/a/b", "0.9")).toBe("master serves you\n");
    } finally {
      await app.stop();
      await daemon.end("SIGKILL");
      home.remove();
    }
  });
}

test("the README's link for testers moves a visitor of master to the canary, in Express", async () => {
  const [link = ""] =
    /^ {2}app\.get\("\/maxwellsdaemon-force\/always"[\s\S]*?^ {2}\}\);$/m.exec(await readme()) ?? [];
  const home = new DaemonHome({ records: { canary: 0.25 }, flags: ["-allow-force"] });
  const daemon = await home.start();
  const app = await installed.start(exampleOf("express"), {
    env: { MAXWELLS_DAEMON_SOCKET: `unix:${home.socket}`, ALLOW_FORCE: "1" },
    edit: (source) =>
      source.replace('app.get("/{*path}"', `${link}\n$&`).replace("address:", "timeoutMs: 2_000, address:"),
  });
  try {
    const mine = "maxwellsdaemon=0.9";
    const page = async (cookie: string) => (await fetch(app.url, { headers: { cookie } })).text();
    expect(await page(mine)).toBe("master serves you\n");
    const reply = await fetch(`${app.url}/maxwellsdaemon-force/always`, {
      headers: { cookie: mine },
      redirect: "manual",
    });
    expect([reply.status, reply.headers.get("location"), reply.headers.get("cache-control")]).toEqual([
      ...[302, "/"],
      "no-store",
    ]);
    const [cookie = ""] = reply.headers.getSetCookie();
    expect(cookie).toStartWith("maxwellsdaemon-force=always; Max-Age=86400; Path=/;");
    expect(await page(`${mine}; ${cookie.split(";")[0]}`)).toBe("the canary serves you\n");
  } finally {
    await app.stop();
    await daemon.end("SIGKILL");
    home.remove();
  }
});
