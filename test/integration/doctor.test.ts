/** `maxwells-daemon doctor` on a real daemon, with its faults, and on pages that no proxy serves. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { ask } from "../../src/client/line.ts";
import type { Verdict } from "../../src/doctor/finding.ts";
import { run } from "../cli/run.ts";
import { examine, FEW, failures, Setup } from "../doctor/setup.ts";
import { eventually } from "../support/eventually.ts";

describe("doctor, and the daemon", () => {
  let setup: Setup;
  beforeAll(async () => {
    setup = await Setup.start(["-unhealthy", "300ms"]);
  });
  afterAll(() => setup.stop());
  afterEach(() => setup.home.write({ canary: 0.25, maintenance: 0 }));

  test("without -url it checks the daemon only, and says how to check more", async () => {
    const { status, check, verdicts } = await setup.examine();
    expect(verdicts).toMatchObject({ daemon: "pass", store: "pass", socket: "pass", url: "skipped" });
    expect([status, check("url").summary]).toEqual([0, "no -url was given"]);
    const { stdout } = await run(["doctor", ...setup.flags]);
    expect(stdout).toContain("-url http://127.0.0.1/");
  });

  test("JSON has the documented shape", async () => {
    const { report } = await setup.examine();
    expect(Object.keys(report)).toEqual(["version", "url", "counts", "proxies", "checks"]);
    expect(Object.keys(report.counts)).toEqual(["pass", "warn", "fail", "skipped"]);
    for (const check of report.checks) {
      expect(Object.keys(check).sort()).toEqual([
        ...["evidence", "id", "remedy", "summary", "title", "tookMs"],
        "verdict",
      ]);
      expect(["pass", "warn", "fail", "skipped"]).toContain(check.verdict);
      if (check.verdict === "fail" || check.verdict === "warn") expect(check.remedy).toBeString();
    }
    for (const proxy of report.proxies) {
      expect(Object.keys(proxy)).toEqual(["name", "version", "pid", "processes", "users"]);
    }
    expect(report.checks.map(({ id }) => id)).toEqual([
      ...["proxies", "daemon", "store", "records", "maintenance", "socket", "socket-access", "leases"],
      ...["releases", "url", "errors", "version-shown", "proxy-asks", "cache", "split", "sticky", "cookie"],
      ...["shared-caches", "hostile", "forged", "force", "reporting", "outage"],
    ]);
  });

  test("if a rollout changes while doctor sends visitors, it notices and sends them again", async () => {
    let known = 0;
    const page = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const [, assignment] = /^maxwellsdaemon=(0[.\d]*)$/.exec(request.headers.get("cookie") ?? "") ?? [];
        if (assignment !== undefined && ++known === 10) {
          setup.home.write({ canary: 0.75, maintenance: 0 });
          await setup.daemon.follows("canary", 0.75);
        }
        const address = { kind: "unix", path: setup.home.socket } as const;
        const answer = await ask({ address, assignment, timeoutMs: 5_000 });
        return new Response("page", { headers: { "maxwellsdaemon-location": answer.location } });
      },
    });
    const { check } = await setup.examine("-url", page.url.href, ...FEW);
    expect(check("split").verdict).toBe("pass");
    expect(check("split").evidence).toMatchObject({ arcs: "canary=0.75@0", visitors: 60, wrong: 0 });
    await page.stop(true);
  });

  /** A page of an application that asks the daemon. `cookieFor` may give a new visitor a cookie. */
  function applicationWith(cookieFor: (assignment: string, brought: string) => string | undefined) {
    return Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const brought = request.headers.get("cookie") ?? "";
        const [, given] = /^maxwellsdaemon=(0(?:\.\d{1,20})?)(?:;|$)/.exec(brought) ?? [];
        const address = { kind: "unix", path: setup.home.socket } as const;
        const { assignment, location } = await ask({ address, assignment: given, timeoutMs: 5_000 });
        const cookie = given === undefined ? cookieFor(assignment, brought) : undefined;
        const reply = new Response("page", { headers: { "maxwellsdaemon-location": location } });
        if (cookie !== undefined) reply.headers.set("set-cookie", cookie);
        return reply;
      },
    });
  }
  const COOKIE = "; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax";

  test("a proxy that moves visitors with a garbage cookie at every visit, and gives them no new one", async () => {
    setup.home.write({ canary: 0.5, maintenance: 0 });
    await setup.daemon.follows("canary", 0.5);
    const page = applicationWith((assignment, brought) =>
      brought === "" ? `maxwellsdaemon=${assignment}${COOKIE}` : undefined,
    );
    const { check } = await setup.examine("-url", page.url.href, ...FEW);
    const verdicts = ["split", "cookie", "hostile"].map((id) => check(id).verdict);
    expect(verdicts).toEqual(["pass", "pass", "fail"]);
    expect(check("hostile").summary).toMatch(
      / in turn for maxwellsdaemon=(\.\.|-0\.1|1), without a new cookie/,
    );
    await page.stop(true);
  });

  test.each<[what: string, domain: string, verdict: Verdict, header: string]>([
    ["another site's", "example.com", "fail", "Host: 127.0.0.1"],
    ["a part of the address", ".0.0.1", "fail", "Host: 127.0.0.1"],
    ["the address itself", "127.0.0.1", "pass", "Host: 127.0.0.1"],
    ["the host of -header", "Shop.Example.com", "pass", "Host: shop.example.com:8080"],
    ["that host's parent", ".example.com", "pass", "Host: shop.example.com"],
    ["that host's neighbour", "my.example.com", "fail", "Host: shop.example.com"],
    ["an end of that host's name", "ple.com", "fail", "Host: shop.example.com"],
  ])("a cookie whose Domain is %s, %s: %s", async (_, domain, verdict, header) => {
    const page = applicationWith((assignment) => `maxwellsdaemon=${assignment}${COOKIE}; Domain=${domain}`);
    const { check } = await setup.examine(
      "-url",
      page.url.href,
      ...FEW,
      ...(header ? ["-header", header] : []),
    );
    expect(check("cookie").verdict).toBe(verdict);
    if (verdict === "fail")
      expect(check("cookie").summary).toContain(`the cookie's Domain=${domain} does not cover `);
    await page.stop(true);
  });

  test("a store that cannot be read any more", async () => {
    writeFileSync(setup.home.storePath, "{");
    await eventually(
      async () => (await setup.daemon.state()).applications[0]?.fresh === false,
      "a stale store",
    );
    const { status, check } = await setup.examine();
    expect([status, check("store").verdict]).toEqual([1, "fail"]);
    expect(check("store").summary).toEndWith(": all visitors go to master");
    const page = applicationWith(() => undefined);
    const visited = await setup.examine("-url", page.url.href, ...FEW);
    expect(failures(visited.verdicts)).toEqual(["store"]);
    expect(visited.check("split").summary).toBe(
      "the store cannot be read, so all visitors go to master (see store)",
    );
    await page.stop(true);
    expect(check("store").evidence["fresh"]).toBe(false);
  });

  test("a store that becomes stale while doctor sends visitors is the cause, and not the proxy", async () => {
    const other = await Setup.start(["-unhealthy", "2s", "-delay", "200ms"]);
    // It never asks and gives no cookie. A proxy looks like this when its lease has ended.
    let visits = 0;
    const page = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch() {
        if (++visits === 5) writeFileSync(other.home.storePath, "{");
        return new Response("page", { headers: { "maxwellsdaemon-location": "master" } });
      },
    });
    try {
      const { check, verdicts, status } = await other.examine("-url", page.url.href, ...FEW);
      expect([failures(verdicts), status]).toEqual([["store"], 1]);
      expect(check("store").summary).toEndWith(": all visitors go to master");
      for (const id of ["proxy-asks", "split", "cookie"]) {
        expect(check(id).summary).toBe("the store cannot be read, so all visitors go to master (see store)");
      }
    } finally {
      await page.stop(true);
      await other.stop();
    }
  });

  test("a record that cannot be used", async () => {
    writeFileSync(setup.home.storePath, '{ "website": { "canary": 7 } }');
    await eventually(
      async () => (await setup.daemon.state()).applications[0]?.malformed.length === 1,
      "malformed",
    );
    const { check } = await setup.examine();
    expect([check("store").verdict, check("store").evidence["malformed"]]).toEqual(["fail", ["canary"]]);
  });

  test("a record of maintenance that cannot be used leaves maintenance as it was", async () => {
    setup.home.replaceWrong('{ "website": { "canary": 0.25, "maintenance": 7 } }');
    await eventually(
      async () => (await setup.daemon.state()).applications[0]?.malformed[0] === "maintenance",
      "malformed",
    );
    const { check } = await setup.examine();
    expect([check("store").verdict, check("store").summary]).toEqual([
      "fail",
      "the record maintenance of website is malformed, so maintenance stays as it was",
    ]);
  });

  test("maintenance that the operator ended by hand while the store is lost", async () => {
    const other = await Setup.start(["-unhealthy", "60s"]);
    try {
      other.home.write({ canary: 0.25, maintenance: 1 });
      await eventually(() => existsSync(other.home.maintenanceFile), "the file");
      await other.daemon.end("SIGTERM");
      writeFileSync(other.home.storePath, "{");
      rmSync(other.home.maintenanceFile);
      other.daemon = await other.home.start();
      const { check } = await other.examine();
      expect(check("maintenance").verdict).toBe("warn");
      expect(check("maintenance").summary).toContain("the store cannot be read, and its last record says on");
      expect(check("maintenance").remedy).toContain("maxwells-daemon set maintenance off");
    } finally {
      await other.stop();
    }
  });

  test("maintenance mode is on", async () => {
    setup.home.write({ canary: 0.25, maintenance: 1 });
    await eventually(() => existsSync(setup.home.maintenanceFile), "the file");
    const { check } = await setup.examine();
    expect([check("maintenance").verdict, check("maintenance").remedy]).toEqual([
      "warn",
      expect.stringMatching(
        /^end it: maxwells-daemon set maintenance off -application website .*-store file:/,
      ),
    ]);
    setup.home.write({ canary: 0.25, maintenance: 0 });
    await eventually(() => !existsSync(setup.home.maintenanceFile), "no file");
  });

  test("a daemon that hangs", async () => {
    setup.daemon.signal("SIGSTOP");
    try {
      const { check } = await setup.examine();
      expect(check("daemon").verdict).toBe("fail");
      expect(check("daemon").summary).toContain("no answer within");
    } finally {
      setup.daemon.signal("SIGCONT");
    }
  });

  test("an application that the daemon does not serve", async () => {
    const { check } = await setup.examine("-application", "another");
    expect([check("daemon").verdict, check("daemon").remedy]).toEqual([
      "fail",
      "name an application of the daemon: -application website",
    ]);
  });

  test("two daemons at one socket, and an admin listener that belongs to the other one", async () => {
    const second = await Setup.start(["-socket", setup.home.socket]);
    try {
      const { check } = await setup.examine();
      expect(check("socket").verdict).toBe("fail");
      expect(check("socket").summary).toStartWith("two daemons run: ");
      expect(check("socket").evidence).toMatchObject({ listeners: 2, isSame: false });
      const foreign = await examine([...second.flags, "-socket", setup.home.socket]);
      expect(foreign.check("socket").verdict).toBe("warn");
    } finally {
      await second.stop();
    }
    // The first one finds its file taken, and listens again.
    await eventually(async () => (await setup.examine()).check("socket").verdict === "pass", "one daemon");
  });

  test("a missing socket is the cause if the proxy does not ask, and a warning if it does", async () => {
    const wrong = ["-socket", `${setup.home.directory}/nowhere.sock`];
    // The test before may have left the store unreadable for a moment.
    await eventually(async () => (await setup.daemon.state()).applications[0]?.fresh === true, "fresh");
    const silent = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response("page", { headers: { "maxwellsdaemon-location": "master" } }),
    });
    const unheard = await setup.examine("-url", silent.url.href, ...wrong, ...FEW);
    expect(failures(unheard.verdicts)).toEqual(["socket"]);
    expect(unheard.check("socket").summary).toStartWith("there is no socket at ");
    expect(unheard.check("proxy-asks").summary).toBe(
      "proxies cannot ask over the socket, so all visitors go to master (see socket)",
    );
    await silent.stop(true);

    const page = applicationWith(() => undefined);
    const heard = await setup.examine("-url", page.url.href, ...wrong, ...FEW);
    expect(heard.verdicts).toMatchObject({ socket: "warn", "proxy-asks": "pass", split: "pass" });
    expect(heard.check("socket").summary).toEndWith("the proxy at -url asks over another listener");
    await page.stop(true);
  });

  test("an application without records is a warning, with the command that makes one and a similar name", async () => {
    const other = await Setup.start(["-application", "shpo"]);
    try {
      other.home.replace('{ "website": { "canary": 0.1 }, "shop": { "canary": 0.1 } }');
      const flags = ["-application", "shpo"];
      await eventually(async () => (await other.daemon.state()).ready, "ready");
      const { check, status } = await other.examine(...flags);
      expect([check("records").verdict, check("store").verdict, status]).toEqual(["warn", "pass", 0]);
      expect(check("records").summary).toBe(
        "the store has no records of shpo: all visitors go to master there",
      );
      expect(check("records").remedy).toContain("maxwells-daemon set canary 0% -new -application shpo");
      expect(check("records").remedy).not.toContain("did you mean");
      // doctor knows the names in the daemon's own store, and not those in another one.
      const named = await other.examine(...flags, "-store", `file:${other.home.storePath}`);
      expect(named.check("records").remedy).toEndWith("; did you mean shop?");
      const foreign = await other.examine(...flags, "-store", `file:${setup.home.storePath}`);
      expect(foreign.check("records").remedy).not.toContain("did you mean");
      // Without -application, doctor checks all applications that the daemon serves.
      expect((await other.examine()).check("records").evidence["empty"]).toEqual(["shpo"]);
    } finally {
      await other.stop();
    }
  });

  test("a daemon that is gone, and the file that it left: 1 if a page is served, 3 if nothing answers", async () => {
    const other = await Setup.start();
    const page = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("page") });
    try {
      await other.daemon.end("SIGKILL");
      const alone = await other.examine();
      expect([alone.status, failures(alone.verdicts)]).toEqual([3, ["daemon"]]);
      expect(alone.check("socket").summary).toBe("no daemon answers (see daemon)");
      const served = await other.examine("-url", page.url.href);
      expect([served.status, failures(served.verdicts), served.check("url").verdict]).toEqual([
        1,
        ["daemon"],
        "pass",
      ]);
      expect(served.check("split").summary).toBe("no daemon answers (see daemon)");
      rmSync(other.home.socket);
      expect(failures((await other.examine()).verdicts)).toEqual(["daemon"]);
    } finally {
      await page.stop(true);
      await other.stop();
    }
  });

  test("an address without a listener, and one that hangs or answers with an error", async () => {
    const { status, check, verdicts } = await setup.examine("-url", "http://127.0.0.1:9/");
    expect([status, check("url").verdict, verdicts["split"]]).toEqual([1, "fail", "skipped"]);
    expect(check("url").summary).toContain("ECONNREFUSED");
    const page = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response("no", { status: 502 }),
    });
    const failing = await setup.examine("-url", page.url.href);
    expect(failures(failing.verdicts)).toEqual(["errors"]);
    expect(failing.check("errors").summary).toStartWith("every visitor sees an error: ");
    expect(failing.check("errors").summary).toContain("(status 502)");
    await page.stop(true);
  });

  test.each([
    ["-url", "ftp://example.com/"],
    ["-url", "http://user:secret@localhost/"],
    ["-probes", "3"],
    ["-version-text", "canary"],
    ["-version-text", "canary=("],
    ["-proxy", "squid"],
    ["-proxy", "0"],
    ["-header", "nonsense"],
    ["-header", "Cookie: a=b"],
  ])("wrong flags end with 2, and do nothing: %s %s", async (flag, value) => {
    const { status, stderr, stdout } = await run(["doctor", flag, value]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).not.toContain("secret");
  });
});
