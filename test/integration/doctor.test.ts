/**
 * `maxwells-daemon doctor` on real set-ups: the shipped files pass, and doctor finds each fault. Each broken
 * proxy is the shipped example with one mistake in it.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask } from "../../src/client/line.ts";
import { ADDED_MS_MAX } from "../../src/doctor/checks/outage.ts";
import type { Verdict } from "../../src/doctor/finding.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { run } from "../cli/run.ts";
import { BY_TEXT, behind, type Examined, examine, Setup } from "../doctor/setup.ts";
import { releaseOf } from "../releases/world.ts";
import { eventually } from "../support/eventually.ts";
import { haproxyMissing } from "../support/haproxy.ts";
import { nginxMissing } from "../support/nginx.ts";
import { INTEGRATIONS } from "./conformance/list.ts";
import { Rig } from "./conformance/rig.ts";
import { haproxyMap } from "./proxies/haproxy.ts";
import { nginxLease } from "./proxies/nginx.ts";
import { traefikSlices } from "./proxies/traefik.ts";

const FEW = ["-probes", "60"];

/** A run of all checks, on a machine that runs other tests meanwhile. */
const TIMEOUT_MS = 120_000;

/** The shipped files wait only milliseconds: on a busy machine a visitor may go to master. */
const BUSY = { retry: 5, timeout: TIMEOUT_MS };

const ROUTE = 'rewrite_by_lua_block { maxwells_daemon.route("website") }';
const MAP = "map $maxwells_location $website_upstream {";

describe.skipIf(nginxMissing() !== undefined)("doctor, and nginx", () => {
  let setup: Setup;

  beforeAll(async () => {
    setup = await Setup.start(["-unhealthy", "2s"]);
  });
  afterAll(() => setup.stop());

  test(
    "a reply's header may name the version, and over TLS the cookie is Secure",
    async () => {
      const url = await setup.nginx(undefined, { isTls: true });
      const refused = await setup.examine("-url", url, ...FEW);
      expect([refused.status, refused.check("url").verdict]).toEqual([1, "fail"]);
      expect(refused.check("url").remedy).toContain("-insecure");

      const { status, check } = await setup.examine("-url", url, "-insecure", ...FEW);
      expect(check("version-shown").evidence).toEqual({ by: "header", header: "maxwellsdaemon-location" });
      expect([check("split").verdict, check("cookie").verdict, status]).toEqual(["pass", "pass", 0]);
      expect(check("cookie").evidence["example"]).toEndWith("; Secure");
    },
    TIMEOUT_MS,
  );

  test(
    "if no reply names the version, it says which facts it proved and which not",
    async () => {
      const url = await setup.nginx((example) =>
        example.replace(/^ *add_header maxwellsdaemon-location .*$/m, ""),
      );
      const { status, check, verdicts } = await setup.examine("-url", url, ...FEW);
      expect(verdicts).toMatchObject({
        "version-shown": "warn",
        split: "warn",
        sticky: "warn",
        forged: "skipped",
        outage: "skipped",
      });
      expect(check("split").summary).toMatch(
        /the daemon answered as the store says .*replies do not say which version/,
      );
      expect(check("proxy-asks").evidence).toMatchObject({ visitors: 20, decisions: 20 });
      expect(status).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    "a proxy that ignores the daemon",
    async () => {
      const url = await setup.nginx((example) => example.replace(ROUTE, ""));
      const { status, check, verdicts } = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
      expect(failures(verdicts)).toEqual(["proxy-asks"]);
      expect(check("proxy-asks").summary).toContain("the daemon heard of 0 of them");
      for (const id of ["split", "sticky", "cookie", "forged", "cache"]) {
        expect([verdicts[id], check(id).summary]).toEqual([
          "skipped",
          "the proxy does not ask the daemon, so all visitors go to master (see proxy-asks)",
        ]);
      }
      expect(status).toBe(1);
    },
    TIMEOUT_MS,
  );

  test(
    "a proxy that asks, and sends all visitors to master",
    async () => {
      const url = await setup.nginx((example) => example.replace(/^ +canary +website_canary;$/m, ""));
      const { check, verdicts } = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
      expect(failures(verdicts)).toEqual(["split"]);
      expect(check("split").summary).toContain("master instead of canary");
      expect(check("split").remedy).toContain("sends all visitors to master");
      expect(check("cache").summary).toContain("the wrong version even at pages that no cache can have");
      for (const id of ["sticky", "cookie", "hostile", "forged", "force"]) {
        expect(check(id).summary).toBe("all visitors go to master (see split)");
      }
    },
    TIMEOUT_MS,
  );

  test(
    "a canary that answers 500 to all is the finding, and it names the command that ends that",
    async () => {
      const path = join(setup.directory, "broken.sock");
      const broken = Bun.serve({ unix: path, fetch: () => new Response("no", { status: 500 }) });
      chmodSync(path, 0o666);
      try {
        const at = (version: string) => (example: string) => example.replace(setup.upstream(version), path);
        const url = await setup.nginx(at("canary"));
        const { check, verdicts, status } = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
        expect([failures(verdicts), status]).toEqual([["errors"], 1]);
        expect(check("errors").summary).toBe(
          "visitors of canary see errors: master: 0 of 12 visitors got an error; canary: 12 of 12 visitors got an error (status 500)",
        );
        expect(check("errors").remedy).toContain("maxwells-daemon set canary 0%.");
        expect(check("hostile").summary).toBe("visitors see errors (see errors)");

        // The report for people begins with it.
        const flags = [...setup.flags, "-url", url, ...BY_TEXT, ...FEW];
        expect((await run(["doctor", ...flags])).stdout).toStartWith("FAIL  errors ");

        const master = await setup.examine("-url", await setup.nginx(at("master")), ...BY_TEXT, ...FEW);
        expect(failures(master.verdicts)).toEqual(["errors"]);
        expect(master.check("errors").summary).toStartWith("visitors of master see errors");
        expect(master.check("errors").remedy).toStartWith("mend master's servers first");
      } finally {
        await broken.stop(true);
      }
    },
    TIMEOUT_MS,
  );

  test(
    "maintenance is the finding, and that the proxy does not show it",
    async () => {
      const shown = await setup.nginx();
      const ignored = await setup.nginx((example) => example.replace(setup.home.maintenanceFile, "/nowhere"));
      setup.home.write({ canary: 0.25, maintenance: 1 });
      await eventually(() => existsSync(setup.home.maintenanceFile), "the file");
      try {
        const { check, verdicts, status } = await setup.examine("-url", shown, ...BY_TEXT, ...FEW);
        expect([failures(verdicts), verdicts["maintenance"], status]).toEqual([[], "warn", 0]);
        expect(check("url").summary).toBe("maintenance is on, and visitors see its page (status 503)");
        expect(check("split").summary).toBe("maintenance is on (see maintenance)");
        const other = await setup.examine("-url", ignored, ...BY_TEXT, ...FEW);
        expect(other.check("url").summary).toContain("a new visitor does not see its page (status 200)");
      } finally {
        setup.home.write({ canary: 0.25, maintenance: 0 });
        await eventually(() => !existsSync(setup.home.maintenanceFile), "no file");
      }
    },
    TIMEOUT_MS,
  );

  test(
    "a release that cannot be read, and one whose leaders are unknown",
    async () => {
      const release = releaseOf({ since: new Date().toISOString() });
      const [rollout, offset] = release.wrote;
      const write = (changes: Partial<typeof release>) =>
        setup.home.write({
          canary: { rollout, offset, release: releaseField({ ...release, ...changes }) },
          maintenance: 0,
        });
      const until = (verdict: string) =>
        eventually(async () => (await setup.examine(...FEW)).verdicts["releases"] === verdict, verdict);
      try {
        write({});
        await until("warn");
        write({ step: -1 });
        await until("fail");
        const { check, verdicts, status } = await setup.examine("-store", `file:${setup.home.storePath}`);
        expect([failures(verdicts), status]).toEqual([["releases"], 1]);
        expect(check("releases").summary).toBe(
          "the release of canary of website cannot be read: its field step is malformed",
        );
        expect(check("releases").remedy).toContain("maxwells-daemon abort -application website");
        // A daemon that leads no release writes nothing, so doctor tries no write for it.
        expect(check("releases").evidence["write"]).toBeNull();
      } finally {
        setup.home.write({ canary: 0.25, maintenance: 0 });
        await setup.daemon.follows("canary", 0.25);
      }
    },
    TIMEOUT_MS,
  );

  test(
    "a proxy that splits by itself, and places visitors again each time",
    async () => {
      const split = 'split_clients "$request_id" $dice { 50% canary; * master; }';
      const url = await setup.nginx(
        (example) => `${split}\n${example.replace(MAP, "map $dice $website_upstream {")}`,
      );
      const { check } = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
      expect([check("split").verdict, check("sticky").verdict]).toEqual(["fail", "fail"]);
      expect(check("sticky").summary).toContain("got another version when they returned");
    },
    TIMEOUT_MS,
  );

  test(
    "a proxy that forgets the cookie",
    async () => {
      const url = await setup.nginx((example) =>
        behind(example, ROUTE, 'header_filter_by_lua_block { ngx.header["Set-Cookie"] = nil }'),
      );
      const { status, check } = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
      expect([check("split").verdict, check("cookie").verdict, status]).toEqual(["pass", "fail", 1]);
      expect(check("cookie").summary).toContain("a new visitor gets no cookie maxwellsdaemon");
    },
    TIMEOUT_MS,
  );

  test(
    "a proxy that does not look at the cookie",
    async () => {
      const url = await setup.nginx((example) =>
        example.replace(
          ROUTE,
          `rewrite_by_lua_block { ngx.req.clear_header("Cookie"); require("maxwells-daemon").route() }`,
        ),
      );
      const { check } = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
      expect([check("split").verdict, check("sticky").verdict, check("cookie").verdict]).toEqual([
        "fail",
        "fail",
        "fail",
      ]);
    },
    TIMEOUT_MS,
  );

  test(
    "a cookie without Secure over TLS",
    async () => {
      const filter = `header_filter_by_lua_block {
      local cookie = ngx.header["Set-Cookie"]
      if cookie then ngx.header["Set-Cookie"] = cookie:gsub("; Secure", "") end
    }`;
      const url = await setup.nginx((example) => behind(example, ROUTE, filter), { isTls: true });
      const { check } = await setup.examine("-url", url, "-insecure", ...BY_TEXT, ...FEW);
      expect(check("cookie").verdict).toBe("fail");
      expect(check("cookie").summary).toBe("the cookie lacks Secure, though the page is served over TLS");
    },
    TIMEOUT_MS,
  );

  test(
    "a proxy that believes a forged header",
    async () => {
      const url = await setup.nginx((example) =>
        behind(example, MAP, '"~^canary:" website_canary; "~:canary$" website_canary;').replace(
          MAP,
          'map "$http_maxwellsdaemon_location:$maxwells_location" $website_upstream {',
        ),
      );
      const { check } = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
      expect([check("split").verdict, check("forged").verdict]).toEqual(["pass", "fail"]);
      expect(check("forged").evidence["believed"]).toContain("maxwellsdaemon-location: canary");
    },
    TIMEOUT_MS,
  );

  test(
    "testers force their location only if the operator allows it",
    async () => {
      const url = await setup.nginx((example) =>
        behind(
          example,
          MAP,
          '"~^always:" website_canary; "~^never:" website_master; "~:canary$" website_canary;',
        ).replace(
          MAP,
          'map "$http_maxwellsdaemon_force$cookie_maxwellsdaemon_force:$maxwells_location" $website_upstream {',
        ),
      );
      const meant = await setup.examine("-url", url, ...BY_TEXT, ...FEW, "-allow-force");
      expect(meant.check("force").remedy).toContain("-allow-force");
      const notMeant = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
      expect(notMeant.check("force").verdict).toBe("fail");
      expect(notMeant.check("force").summary).toContain("forced their location");
    },
    TIMEOUT_MS,
  );

  test(
    "a cache that does not have the version in its key",
    async () => {
      const path = `${setup.directory}/cache`;
      const cached = (key: string) => (example: string) =>
        `proxy_cache_path ${path}-${key.length} keys_zone=pages${key.length}:1m;\n${behind(
          example,
          ROUTE,
          `proxy_cache pages${key.length}; proxy_cache_key ${key}; proxy_cache_valid 200 1m;`,
        )}`;
      const leaking = await setup.examine(
        "-url",
        await setup.nginx(cached("$uri$is_args$args")),
        ...BY_TEXT,
        ...FEW,
      );
      expect(failures(leaking.verdicts)).toEqual(["cache"]);
      expect(leaking.check("cache").summary).toContain("master instead of canary");
      expect(leaking.check("cache").remedy).toContain("proxy_cache_key");

      const sound = await setup.nginx(cached("$uri$is_args$args$maxwells_location"));
      expect((await setup.examine("-url", sound, ...BY_TEXT, ...FEW)).check("cache").verdict).toBe("pass");
    },
    TIMEOUT_MS,
  );

  test(
    "a page that allows shared caches is a warning",
    async () => {
      const url = await setup.nginx((example) =>
        behind(example, ROUTE, 'add_header Cache-Control "public, max-age=60";'),
      );
      const { check } = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
      expect(check("cache").verdict).toBe("warn");
      expect(check("cache").summary).toContain("Cache-Control: public, max-age=60");
    },
    TIMEOUT_MS,
  );

  test(
    "a proxy that shows an error when the daemon is away, and doctor starts the daemon again",
    async () => {
      const naive = (example: string) =>
        behind(
          example,
          ROUTE,
          "auth_request /_ask; auth_request_set $maxwells_location $upstream_http_maxwellsdaemon_location;",
        )
          .replace(ROUTE, "")
          .replace(
            "location / {",
            `location = /_ask {
             internal;
             proxy_pass http://127.0.0.1:${setup.httpPort}/decide;
             proxy_pass_request_headers off;
             proxy_set_header maxwellsdaemon $cookie_maxwellsdaemon;
             proxy_read_timeout 200ms;
           }
           location / {`,
          );
      const url = await setup.nginx(naive);
      const { status, check } = await setup.examine("-url", url, ...BY_TEXT, ...FEW, "-break");
      expect([check("split").verdict, check("outage").verdict, status]).toEqual(["pass", "fail", 1]);
      expect(check("outage").summary).toMatch(/saw an error while the daemon was away: status 500/);
      expect(check("outage").remedy).toContain("failure_mode_allow");
      expect((await setup.daemon.state()).ready).toBe(true);
      expect(existsSync(setup.home.socket)).toBe(true);
    },
    TIMEOUT_MS,
  );

  test.skipIf(process.getuid?.() !== 0)(
    "a socket that the proxy's user may not connect to",
    async () => {
      const url = await setup.nginx(undefined, { user: "nobody nogroup" });
      chmodSync(setup.home.socket, 0o600);
      try {
        const { check, verdicts } = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
        expect(failures(verdicts)).toEqual(["socket-access"]);
        expect(check("socket-access").summary).toMatch(
          /^nginx \(process \d+\) runs as user "nobody", which may not connect: .* has mode 0600, so it sends all visitors to master/,
        );
        for (const id of ["proxy-asks", "split", "sticky", "cookie", "hostile", "forged", "force", "cache"]) {
          expect(check(id).summary).toBe(
            "the proxy may not connect to the daemon, so all visitors go to master (see socket-access)",
          );
        }
        expect(check("socket-access").remedy).toContain("-socket-mode");
      } finally {
        chmodSync(setup.home.socket, 0o666);
      }
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(nginxMissing() !== undefined || haproxyMissing() !== undefined)(
  "doctor, and two proxies with a lease",
  () => {
    let rig: Rig;
    beforeAll(async () => {
      rig = await Rig.start(nginxLease, {
        daemonFlags: ["-haproxy-map", "/nowhere/admin.sock"],
      });
    });
    afterAll(() => rig.stop());

    test(
      "it finds the proxy without a lease beside the one that renews",
      async () => {
        const examined = await examineRig(rig);
        expect(failures(examined.verdicts)).toEqual(["leases"]);
        expect(examined.check("leases").summary).toMatch(
          /^haproxy-map unix:\/nowhere\/admin\.sock is not renewed: \d+ failures meanwhile/,
        );
        expect(examined.check("leases").evidence["answered"]).toHaveProperty([
          `line unix:${rig.home.socket}`,
        ]);
        // nginx is the proxy behind -url, and has its lease.
        expect(examined.verdicts).toMatchObject({ "proxy-asks": "pass", split: "pass" });
      },
      BUSY,
    );
  },
);

test.skipIf(haproxyMissing() !== undefined)(
  "a HAProxy whose map is not renewed is the cause if all visitors are at master",
  async () => {
    const rig = await Rig.start(haproxyMap);
    try {
      const [, socket = ""] =
        /haproxy-map unix:(\S+)/.exec(
          (await rig.daemon.state()).servers.map(({ name }) => name).join("\n"),
        ) ?? [];
      rmSync(socket);
      await rig.becomes(0.1, "master");
      const { check, verdicts } = await examineRig(rig);
      expect(failures(verdicts)).toEqual(["leases"]);
      expect(check("split").summary).toBe(
        "the proxy at -url has no lease, so all visitors go to master (see leases)",
      );
    } finally {
      await rig.stop();
    }
  },
  TIMEOUT_MS,
);

/** The checks that failed. */
function failures(verdicts: Readonly<Record<string, string>>): string[] {
  return Object.keys(verdicts).filter((id) => verdicts[id] === "fail");
}

/**
 * These proxies read a file or map of the daemon and do not ask. So doctor cannot see whether this proxy
 * serves.
 */
const WRITTEN_FOR = ["HAProxy, map", "Apache, map"];

/** The folders whose shipped files name the version that served in a reply's header. */
const TELLS = ["nginx", "haproxy", "caddy", "apache"];

/** The flags with the addresses of a rig's daemon and its page. */
function flagsOf(rig: Rig): string[] {
  const [, admin = ""] = / runs .*admin=http:\/\/(\S+)/.exec(rig.daemon.log) ?? [];
  const daemon = ["-socket", rig.home.socket, "-admin", admin, "-state-dir", rig.home.stateDirectory];
  return [...daemon, "-url", `${rig.url}/`];
}

function examineRig(rig: Rig, ...flags: readonly string[]): Promise<Examined> {
  return examine([...flagsOf(rig), ...BY_TEXT, ...FEW, ...flags]);
}

describe.skipIf(traefikSlices.missing() !== undefined)("doctor, and Traefik with slices", () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start(traefikSlices);
  });
  afterAll(() => rig.stop());

  test(
    "it skips checks that it cannot make, and says so",
    async () => {
      const { check, verdicts, status } = await examineRig(rig);
      expect([failures(verdicts), status]).toEqual([[], 0]);
      expect(verdicts).toMatchObject({
        leases: "pass",
        url: "pass",
        errors: "pass",
        "version-shown": "pass",
      });
      expect(check("leases").summary).toMatch(/traefik tcp:\S+ was asked \d+ times/);
      // New visitors meet both versions.
      expect(Object.keys(check("errors").evidence["visitors"] ?? {}).sort()).toEqual(["canary", "master"]);
      for (const id of [
        "proxy-asks",
        "cache",
        "split",
        "sticky",
        "cookie",
        "hostile",
        "forged",
        "force",
        "outage",
      ]) {
        expect(check(id).summary).toBe(
          "Traefik keeps visitors in slices, and the cookies of slices are not assignments",
        );
      }
    },
    BUSY,
  );
});

for (const integration of INTEGRATIONS) {
  // doctor does not check a proxy's own cookie, nor visitors without an assignment.
  if (integration.sliceCookie !== undefined) continue;
  const missing = integration.missing();
  const isWrittenFor = WRITTEN_FOR.includes(integration.name);
  describe.skipIf(missing !== undefined)(`doctor, and the shipped files: ${integration.name}`, () => {
    let rig: Rig;
    beforeAll(async () => {
      rig = await Rig.start(integration);
    });
    afterAll(() => rig.stop());

    test(
      "everything passes, also while the daemon is away",
      async () => {
        const by = TELLS.includes(integration.folder) ? [] : BY_TEXT;
        const { status, stdout } = await run(["doctor", ...flagsOf(rig), ...by, ...FEW, "-break"]);
        // Some are tested with a longer time-out than the shipped one. doctor says so, unless few of its
        // visitors met it.
        const isPatient =
          integration.patienceMs >= ADDED_MS_MAX && /^FAIL +outage +visitors waited \d+ ms/m.test(stdout);
        const failed = [...stdout.matchAll(/^FAIL.*$/gm)].map(([line]) => line);
        expect(failed.filter((line) => !(isPatient && line.startsWith("FAIL  outage ")))).toEqual([]);
        const passed = [...stdout.matchAll(/^pass +([\w-]+) /gm)].map(([, id = ""]) => id);
        // Some ask over another listener, and doctor does not know an application that asks for itself as a
        // proxy.
        expect(passed.filter((id) => !["socket-access", "proxies", "leases"].includes(id))).toEqual([
          ...["daemon", "store", "records", "maintenance", "socket", "releases", "url", "errors"],
          "version-shown",
          ...(isWrittenFor ? [] : ["proxy-asks"]),
          ...[
            "cache",
            "split",
            "sticky",
            "cookie",
            "shared-caches",
            "hostile",
            "forged",
            "force",
            ...(isPatient ? [] : ["outage"]),
          ],
        ]);
        expect(/^skip +proxy-asks +not run, because the daemon writes a lease/m.test(stdout)).toBe(
          isWrittenFor,
        );
        // HAProxy that asks over SPOE has a map, too, for maintenance.
        expect(passed.includes("leases")).toBe(isWrittenFor || integration.folder === "haproxy");
        // An application that asks for itself has no proxy.
        expect(passed.includes("proxies") || integration.folder === "node").toBe(true);
        expect(status).toBe(isPatient ? 1 : 0);
      },
      BUSY,
    );
  });
}

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
      ...["shared-caches", "hostile", "forged", "force", "outage"],
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
    setup.home.write({ canary: 0.25, maintenance: 7 });
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
      "end it with maxwells-daemon set maintenance off",
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
      expect((await setup.examine("-admin", `127.0.0.1:${second.adminPort}`)).check("socket").verdict).toBe(
        "warn",
      );
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
