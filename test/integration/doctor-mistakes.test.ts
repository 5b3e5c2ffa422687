/**
 * `maxwells-daemon doctor` on proxies with a mistake: each is a real nginx with the shipped example and one
 * mistake in it. Each has a daemon of its own, so several are examined at a time: doctor mostly waits.
 */

import { expect, test } from "bun:test";
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { Turns } from "../../src/controller/turns.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { run } from "../cli/run.ts";
import { BY_TEXT, behind, FEW, failures, Setup } from "../doctor/setup.ts";
import { releaseOf } from "../releases/world.ts";
import { eventually } from "../support/eventually.ts";
import { nginxMissing } from "../support/nginx.ts";

/** Examined at the same time. */
const lanes = new Turns(2);

/** An examination takes some seconds, and most of them wait for their turn. A machine may be much busier. */
const TIMEOUT_MS = 600_000;

const ROUTE = 'rewrite_by_lua_block { maxwells_daemon.route("website") }';
const MAP = "map $maxwells_location $website_upstream {";

function mistake(title: string, examined: (setup: Setup) => Promise<void>, isPossible = true): void {
  test.concurrent.skipIf(nginxMissing() !== undefined || !isPossible)(
    `doctor, and nginx: ${title}`,
    () =>
      lanes.run(async () => {
        const setup = await Setup.start(["-unhealthy", "2s"]);
        try {
          await examined(setup);
        } finally {
          await setup.stop();
        }
      }),
    TIMEOUT_MS,
  );
}

mistake("a reply's header may name the version, and over TLS the cookie is Secure", async (setup) => {
  const url = await setup.nginx(undefined, { isTls: true });
  const refused = await setup.examine("-url", url, ...FEW);
  expect([refused.status, refused.check("url").verdict]).toEqual([1, "fail"]);
  expect(refused.check("url").remedy).toContain("-insecure");

  const { status, check } = await setup.examine("-url", url, "-insecure", ...FEW);
  expect(check("version-shown").evidence).toEqual({ by: "header", header: "maxwellsdaemon-location" });
  expect([check("split").verdict, check("cookie").verdict, status]).toEqual(["pass", "pass", 0]);
  expect(check("cookie").evidence["example"]).toEndWith("; Secure");
});

mistake("if no reply names the version, it says which facts it proved and which not", async (setup) => {
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
});

mistake("a proxy that ignores the daemon", async (setup) => {
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
});

mistake("a proxy that asks, and sends all visitors to master", async (setup) => {
  const url = await setup.nginx((example) => example.replace(/^ +canary +website_canary;$/m, ""));
  const { check, verdicts } = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
  expect(failures(verdicts)).toEqual(["split"]);
  expect(check("split").summary).toContain("master instead of canary");
  expect(check("split").remedy).toContain("sends all visitors to master");
  expect(check("cache").summary).toContain("the wrong version even at pages that no cache can have");
  for (const id of ["sticky", "cookie", "hostile", "forged", "force"]) {
    expect(check(id).summary).toBe("all visitors go to master (see split)");
  }
});

mistake(
  "a canary that answers 500 to all is the finding, and it names the command that ends that",
  async (setup) => {
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
      expect(check("errors").remedy).toContain("maxwells-daemon set canary 0% -application website");
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
);

mistake("maintenance is the finding, and that the proxy does not show it", async (setup) => {
  const shown = await setup.nginx();
  const ignored = await setup.nginx((example) => example.replace(setup.home.maintenanceFile, "/nowhere"));
  setup.home.write({ canary: 0.25, maintenance: 1 });
  await eventually(() => existsSync(setup.home.maintenanceFile), "the file");
  const { check, verdicts, status } = await setup.examine("-url", shown, ...BY_TEXT, ...FEW);
  expect([failures(verdicts), verdicts["maintenance"], status]).toEqual([[], "warn", 0]);
  expect(check("url").summary).toBe("maintenance is on, and visitors see its page (status 503)");
  expect(check("split").summary).toBe("maintenance is on (see maintenance)");
  const other = await setup.examine("-url", ignored, ...BY_TEXT, ...FEW);
  expect(other.check("url").summary).toContain("a new visitor does not see its page (status 200)");
});

mistake("a release that cannot be read, and one whose leaders are unknown", async (setup) => {
  const release = releaseOf({ since: new Date().toISOString() });
  const [rollout, offset] = release.wrote;
  const write = (changes: Partial<typeof release>) => {
    const canary = { rollout, offset, release: releaseField({ ...release, ...changes }) };
    setup.home.replaceWrong(JSON.stringify({ website: { canary, maintenance: 0 } }));
  };
  const until = (verdict: string) =>
    eventually(async () => (await setup.examine(...FEW)).verdicts["releases"] === verdict, verdict);
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
});

mistake("a proxy that splits by itself, and places visitors again each time", async (setup) => {
  const split = 'split_clients "$request_id" $dice { 50% canary; * master; }';
  const url = await setup.nginx(
    (example) => `${split}\n${example.replace(MAP, "map $dice $website_upstream {")}`,
  );
  const { check } = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
  expect([check("split").verdict, check("sticky").verdict]).toEqual(["fail", "fail"]);
  expect(check("sticky").summary).toContain("got another version when they returned");
});

mistake("a proxy that forgets the cookie", async (setup) => {
  const url = await setup.nginx((example) =>
    behind(example, ROUTE, 'header_filter_by_lua_block { ngx.header["Set-Cookie"] = nil }'),
  );
  const { status, check } = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
  expect([check("split").verdict, check("cookie").verdict, status]).toEqual(["pass", "fail", 1]);
  expect(check("cookie").summary).toContain("a new visitor gets no cookie maxwellsdaemon");
});

mistake("a proxy that does not look at the cookie", async (setup) => {
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
});

mistake("a cookie without Secure over TLS", async (setup) => {
  const filter = `header_filter_by_lua_block {
    local cookie = ngx.header["Set-Cookie"]
    if cookie then ngx.header["Set-Cookie"] = cookie:gsub("; Secure", "") end
  }`;
  const url = await setup.nginx((example) => behind(example, ROUTE, filter), { isTls: true });
  const { check } = await setup.examine("-url", url, "-insecure", ...BY_TEXT, ...FEW);
  expect(check("cookie").verdict).toBe("fail");
  expect(check("cookie").summary).toBe("the cookie lacks Secure, though the page is served over TLS");
});

mistake("a proxy that believes a forged header", async (setup) => {
  const url = await setup.nginx((example) =>
    behind(example, MAP, '"~^canary:" website_canary; "~:canary$" website_canary;').replace(
      MAP,
      'map "$http_maxwellsdaemon_location:$maxwells_location" $website_upstream {',
    ),
  );
  const { check } = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
  expect([check("split").verdict, check("forged").verdict]).toEqual(["pass", "fail"]);
  expect(check("forged").evidence["believed"]).toContain("maxwellsdaemon-location: canary");
});

mistake("testers force their location only if the operator allows it", async (setup) => {
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
});

mistake("a cache that does not have the version in its key", async (setup) => {
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
});

mistake("a page that allows shared caches is a warning", async (setup) => {
  const url = await setup.nginx((example) =>
    behind(example, ROUTE, 'add_header Cache-Control "public, max-age=60";'),
  );
  const { check } = await setup.examine("-url", url, ...BY_TEXT, ...FEW);
  expect(check("cache").verdict).toBe("warn");
  expect(check("cache").summary).toContain("Cache-Control: public, max-age=60");
});

mistake(
  "a proxy that shows an error when the daemon is away, and doctor starts the daemon again",
  async (setup) => {
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
);

mistake(
  "a socket that the proxy's user may not connect to",
  async (setup) => {
    const url = await setup.nginx(undefined, { user: "nobody nogroup" });
    chmodSync(setup.home.socket, 0o600);
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
  },
  process.getuid?.() === 0,
);
