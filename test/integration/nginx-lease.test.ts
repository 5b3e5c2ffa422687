/**
 * nginx with a lease, beyond the conformance suite. The shipped module, in a real nginx with a configuration
 * for many applications at once, because each has its own lease.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { covers, spell } from "../../src/circle.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { fillExample, installPage, type Nginx, nginxMissing, startNginx } from "../support/nginx.ts";
import { freePort } from "../support/port.ts";
import { Random } from "../support/random.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { type Seen, startUpstream } from "../support/upstream.ts";

const missing = nginxMissing();
if (missing !== undefined) console.warn(`skipped: nginx with a lease: ${missing}`);

/** The same as in the module. */
const LEASE_MS = 3_000;
const RENEW_MS = 1_000;
/** A busy machine may add this to a wait. */
const BUSY_MS = 1_000;
const AT_ONCE = 16;

interface Served {
  readonly location: string;
  readonly assignment: string;
  readonly cookie: string | null;
}

/** An nginx whose applications all ask at `socket`. */
async function startLeaseNginx(
  directory: string,
  socket: string,
  applications: readonly string[],
  { workers = 1, locations = ["canary"] }: { workers?: number; locations?: readonly string[] } = {},
): Promise<Nginx> {
  const port = await freePort();
  const setups = applications.map(
    (application) =>
      `lease.setup { socket = "${socket}", application = "${application}", locations = { ${locations.map((name) => `"${name}"`).join(", ")} } }`,
  );
  const http = `
    lua_shared_dict maxwells_daemon 1m;
    lua_socket_log_errors off;
    init_by_lua_block { local lease = require("maxwells-daemon-lease") ${setups.join("\n")} }
    init_worker_by_lua_block { require("maxwells-daemon-lease").hold() }
    server {
      listen 127.0.0.1:${port};
      location / {
        set $maxwells_assignment $cookie_maxwellsdaemon;
        set $maxwells_cookie "";
        set_by_lua_block $maxwells_location { return require("maxwells-daemon-lease").location(ngx.var.arg_app) }
        add_header Set-Cookie $maxwells_cookie always;
        return 200 "$maxwells_location $maxwells_assignment";
      }
    }`;
  return startNginx(directory, port, http, workers);
}

async function visit(nginx: Nginx, application: string, assignment?: string): Promise<Served> {
  const headers: Record<string, string> =
    assignment === undefined ? {} : { cookie: `maxwellsdaemon=${assignment}` };
  const response = await fetch(`${nginx.url}/?app=${application}`, { headers });
  const text = await response.text();
  expect([response.status, text.split(" ").length]).toEqual([200, 2]);
  const [location = "", given = ""] = text.split(" ");
  return { location, assignment: given, cookie: response.headers.get("set-cookie") };
}

/** Waits until this location serves the application's visitor with the assignment 0.1. */
async function becomes(nginx: Nginx, application: string, location: string): Promise<void> {
  await eventually(
    async () => (await visit(nginx, application, "0.1")).location === location,
    `${application} at ${location}`,
  );
}

async function inParallel<Item>(items: readonly Item[], each: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await each(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** The kind of a question, and its application. */
function read(line: string): { word: string; application: string; rest: string } {
  const [, word = "", application = "", rest = ""] = /^\?(\w+) application=(\S+) ?(.*)$/.exec(line) ?? [];
  return { word, application, rest };
}

/** The confirmation of a report. */
const confirmation = (rest: string) => `${rest.split("=")[1]}\n\n`;

describe.skipIf(missing !== undefined)("nginx with a lease", () => {
  const directories: string[] = [];
  let socket: string;

  afterAll(() => {
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  });

  /** Runs `use` with an nginx and a stand-in that answers it. */
  async function withStandIn(
    applications: readonly string[],
    answer: Parameters<typeof startStandIn>[1],
    use: (nginx: Nginx, standIn: StandIn) => Promise<void>,
    options: Parameters<typeof startLeaseNginx>[3] = {},
  ): Promise<void> {
    const directory = mkdtempSync(join(tmpdir(), "nginx-lease-"));
    directories.push(directory);
    socket = join(directory, "stand-in.sock");
    const standIn = await startStandIn(socket, answer);
    const nginx = await startLeaseNginx(directory, socket, applications, options);
    try {
      await use(nginx, standIn);
    } finally {
      await nginx.stop();
      await standIn.stop();
    }
  }

  test("it places visitors exactly as the daemon does: random arcs and assignments, around the end of the circle", async () => {
    const random = new Random();
    const locations = ["canary", "blue", "green", "v-1.2_3"];
    const fraction = () =>
      random.fraction() < 0.5 ? random.fraction() : Math.floor(random.fraction() * 1e3) / 1e3;
    const leases = new Map(
      Array.from({ length: 50 }, (_, index) => [
        `app${index}`,
        locations.slice(0, 1 + (index % locations.length)).map((version) => ({
          version,
          rollout: random.fraction() < 0.05 ? 1 : fraction() / (random.fraction() < 0.5 ? 1 : 20),
          offset: random.fraction() < 0.3 ? 0 : fraction(),
          failsafe: "master" as const,
        })),
      ]),
    );
    const answer = (line: string) => {
      const { word, application, rest } = read(line);
      return word === "lease" ? `60000\n${spell(leases.get(application) ?? [])}\n` : confirmation(rest);
    };
    await withStandIn(
      [...leases.keys()],
      answer,
      async (nginx) => {
        const visits = [...leases].flatMap(([application, arcs]) => {
          const edges = arcs.flatMap(({ rollout, offset }) =>
            [offset, offset + rollout, (offset + rollout) % 1].flatMap((edge) => [
              edge,
              edge - 2 ** -53,
              edge - 2 ** -54,
              edge + 2 ** -53,
            ]),
          );
          const drawn = Array.from({ length: 80 }, fraction);
          return [...edges, ...drawn]
            .filter((number) => number >= 0 && number < 1)
            .map((number) => ({ application, arcs, text: String(number) }));
        });
        expect(visits.length).toBeGreaterThan(5_000);
        for (const application of leases.keys()) {
          await eventually(
            async () => (await visit(nginx, application)).cookie !== null,
            `a lease for ${application}`,
          );
        }
        const wrong: string[] = [];
        const seen = new Set<string>();
        await inParallel(visits, async ({ application, arcs, text }) => {
          const wanted =
            arcs.find(({ offset, rollout }) => rollout > 0 && covers(offset, rollout, Number(text)))
              ?.version ?? "master";
          const { location, assignment, cookie } = await visit(nginx, application, text);
          seen.add(location);
          if (location !== wanted || assignment !== text || cookie !== null) {
            wrong.push(`${text} in ${spell(arcs)}: ${location}, not ${wanted}`);
          }
        });
        expect(wrong).toEqual([]);
        expect([...seen].sort()).toEqual([...locations, "master"].sort());
      },
      { locations },
    );
  }, 60_000);

  /** Malformed answers. Each application gets one good lease, and then this answer for ever. */
  const GARBAGE: Readonly<Record<string, string | undefined>> = {
    silence: undefined,
    empty: "\n",
    one_line: "7000\n",
    cut: "7000\ncanary=1@0",
    three_lines: "7000\ncanary=1@0\n7000\n",
    doubled: "7000\ncanary=1@0\n7000\ncanary=1@0\n",
    returns: "7000\r\ncanary=1@0\r\n",
    a_decision: "0.906374081284702\nmaster\n",
    words: "hello\ncanary=1@0\n",
    negative: "-1\ncanary=1@0\n",
    fraction: "7000.5\ncanary=1@0\n",
    forever: `${"9".repeat(40)}\ncanary=1@0\n`,
    nothing_with_arcs: "0\ncanary=1@0\n",
    no_offset: "7000\ncanary=1\n",
    too_long: "7000\ncanary=1.5@0\n",
    too_far: "7000\ncanary=1@1\n",
    not_a_number: "7000\ncanary=nan@0\n",
    hexadecimal: "7000\ncanary=0x1@0\n",
    two_points: "7000\ncanary=1.0.0@0\n",
    comma: "7000\ncanary=1@0,blue=1@0\n",
    two_spaces: "7000\ncanary=1@0  blue=1@0\n",
    space_behind: "7000\ncanary=1@0 \n",
    too_many: `7000\n${Array.from({ length: 65 }, (_, index) => `v${index}=0@0`).join(" ")}\n`,
    no_end: "0".repeat(100_000),
  };

  test("an answer that makes no sense changes nothing: the last lease lasts its 3 s, then master serves", async () => {
    const asked = new Map<string, number>();
    const answer = (line: string) => {
      const { word, application, rest } = read(line);
      if (word !== "lease") return confirmation(rest);
      if (asked.has(application)) return GARBAGE[application];
      asked.set(application, performance.now());
      return "60000\ncanary=0.25@0\n";
    };
    await withStandIn(Object.keys(GARBAGE), answer, async (nginx) => {
      await Promise.all(
        Object.keys(GARBAGE).map(async (application) => {
          await becomes(nginx, application, "canary");
          const beganMs = asked.get(application) ?? Number.NaN;
          let lastCanaryMs = 0;
          for (;;) {
            const sentMs = performance.now();
            const { location, assignment, cookie } = await visit(nginx, application, "0.1");
            expect([application, assignment, cookie]).toEqual([application, "0.1", null]);
            if (location === "master") break;
            lastCanaryMs = sentMs - beganMs;
            await Bun.sleep(10);
          }
          const endedMs = performance.now() - beganMs;
          // Not a moment longer than it may be used, and not much shorter.
          expect([application, lastCanaryMs <= LEASE_MS, endedMs > LEASE_MS - 250]).toEqual([
            application,
            true,
            true,
          ]);
          expect(endedMs).toBeLessThan(LEASE_MS + BUSY_MS);
          // A visitor that comes now gets no cookie.
          const fresh = await visit(nginx, application);
          expect(fresh).toEqual({ location: "master", assignment: "", cookie: null });
          const hostile = await visit(nginx, application, "x");
          expect(hostile).toEqual({ location: "master", assignment: "", cookie: null });
        }),
      );
      const told = () => nginx.errorLog().split("gives no lease").length - 1;
      await eventually(() => told() >= Object.keys(GARBAGE).length, "a word of each in the log");
      await Bun.sleep(2 * RENEW_MS);
      // Once, not at each renewal.
      expect(told()).toBe(Object.keys(GARBAGE).length);
    });
  }, 30_000);

  test("a shorter lease ends sooner; a late answer counts from its question, or not at all", async () => {
    const answeredMs = new Map<string, number>();
    const answer = (line: string, connection: { write(bytes: string): unknown }) => {
      const { word, application, rest } = read(line);
      if (word !== "lease") return confirmation(rest);
      if (application !== "short" && application !== "late") {
        setTimeout(() => connection.write("60000\ncanary=1@0\n"), 800);
        return undefined;
      }
      if (answeredMs.has(application)) return "";
      answeredMs.set(application, performance.now());
      if (application === "short") return "400\ncanary=1@0\n";
      setTimeout(() => connection.write("1000\ncanary=1@0\n"), 200);
      return undefined;
    };
    await withStandIn(["short", "late", "too_late"], answer, async (nginx) => {
      for (const [application, lastsMs] of [
        ["short", 400],
        ["late", 1_000],
      ] as const) {
        let lastCanaryMs = 0;
        await eventually(async () => {
          const sentMs = performance.now();
          const { location } = await visit(nginx, application, "0.1");
          if (location === "canary") lastCanaryMs = sentMs - (answeredMs.get(application) ?? Number.NaN);
          return (
            location === "master" && performance.now() - (answeredMs.get(application) ?? sentMs) > lastsMs
          );
        }, `the end of ${application}`);
        expect([application, lastCanaryMs <= lastsMs]).toEqual([application, true]);
      }
      for (let look = 0; look < 20; look++) {
        expect((await visit(nginx, "too_late", "0.1")).location).toBe("master");
        await Bun.sleep(100);
      }
    });
  }, 30_000);

  test("after the daemon's 0 master serves at once, until the next lease", async () => {
    let lease = "60000\ncanary=0.25@0\n";
    let saidMs = Number.NaN;
    const answer = (line: string) => {
      const { word, rest } = read(line);
      if (word !== "lease") return confirmation(rest);
      if (lease === "0\n\n" && Number.isNaN(saidMs)) saidMs = performance.now();
      return lease;
    };
    await withStandIn(["app"], answer, async (nginx) => {
      await becomes(nginx, "app", "canary");
      lease = "0\n\n";
      await becomes(nginx, "app", "master");
      expect(performance.now() - saidMs).toBeLessThan(BUSY_MS);
      expect((await visit(nginx, "app")).cookie).toBeNull();
      lease = "60000\ncanary=0.25@0\n";
      const beganMs = performance.now();
      await becomes(nginx, "app", "canary");
      expect(performance.now() - beganMs).toBeLessThan(RENEW_MS);
      await eventually(() => nginx.errorLog().includes("gives leases again"), "a word of it in the log");
      expect(nginx.errorLog()).toContain("gives no lease (it has nothing fresh to tell)");
    });
  }, 30_000);

  test("no visitor notices a daemon that is away for two renewals", async () => {
    let asked = 0;
    const answer = (line: string) => {
      const { word, rest } = read(line);
      if (word !== "lease") return confirmation(rest);
      asked++;
      return "60000\ncanary=0.25@0\n";
    };
    await withStandIn(["app"], answer, async (nginx, first) => {
      await becomes(nginx, "app", "canary");
      await first.stop();
      const untilMs = performance.now() + 1.5 * RENEW_MS;
      const away: string[] = [];
      while (performance.now() < untilMs) away.push((await visit(nginx, "app", "0.1")).location);
      const second = await startStandIn(socket, answer);
      asked = 0;
      while (asked === 0) away.push((await visit(nginx, "app", "0.1")).location);
      expect([...new Set(away)]).toEqual(["canary"]);
      expect(nginx.errorLog()).not.toContain("gives no lease");
      await second.stop();
    });
  }, 30_000);

  test("after a reload nginx keeps its lease, also while no daemon gives another", async () => {
    const answer = (line: string) => {
      const { word, rest } = read(line);
      return word === "lease" ? "60000\ncanary=0.25@0\n" : confirmation(rest);
    };
    await withStandIn(
      ["app"],
      answer,
      async (nginx, standIn) => {
        await becomes(nginx, "app", "canary");
        // So does the other worker.
        await Bun.sleep(RENEW_MS);
        await standIn.stop();
        nginx.signal("SIGHUP");
        const untilMs = performance.now() + 1_000;
        let visits = 0;
        while (performance.now() < untilMs) {
          // Each visit has its own connection, so that it reaches the new workers as soon as they run.
          const response = await fetch(`${nginx.url}/?app=app`, {
            headers: { cookie: "maxwellsdaemon=0.1", connection: "close" },
          });
          expect(await response.text()).toBe("canary 0.1");
          visits++;
        }
        expect(visits).toBeGreaterThan(10);
      },
      { workers: 2 },
    );
  }, 30_000);

  test("the shipped file does that, too, without an application's name", async () => {
    const directory = mkdtempSync(join(tmpdir(), "nginx-lease-"));
    directories.push(directory);
    installPage(directory);
    const place = (name: string) => join(directory, name);
    const standIn = await startStandIn(place("daemon"), (line) =>
      line === "?lease" ? "60000\ncanary=0.25@0\n" : confirmation(line),
    );
    const port = await freePort();
    const places = { daemon: place("daemon"), master: place("master"), canary: place("canary") };
    const upstreams = [startUpstream("master", places.master), startUpstream("canary", places.canary)];
    const more = { maintenanceFile: place("maintenance"), page: place("share") };
    const example = fillExample("lease", port, { ...places, ...more })
      .replace(/^ *application = .*$/m, "")
      .replace('location("website") }', "location() }");
    const nginx = await startNginx(directory, port, example);
    const served = async () => {
      const headers = { cookie: "maxwellsdaemon=0.1", connection: "close" };
      return ((await (await fetch(nginx.url, { headers })).json()) as Seen).name;
    };
    try {
      await eventually(async () => (await served()) === "canary", "a canary");
      await standIn.stop();
      nginx.signal("SIGHUP");
      const untilMs = performance.now() + 1_000;
      while (performance.now() < untilMs) expect(await served()).toBe("canary");
    } finally {
      await nginx.stop();
      await standIn.stop();
      for (const upstream of upstreams) upstream.stop();
    }
  }, 30_000);

  test("new visitors get fifteen decimals of good randomness, in no two workers the same", async () => {
    const answer = (line: string) => {
      const { word, rest } = read(line);
      return word === "lease" ? "60000\ncanary=0.5@0.75\n" : confirmation(rest);
    };
    await withStandIn(
      ["app"],
      answer,
      async (nginx) => {
        await becomes(nginx, "app", "canary");
        await Bun.sleep(RENEW_MS);
        const drawn: number[] = [];
        await inParallel(
          Array.from({ length: 4_000 }, (_, index) => index),
          async () => {
            const { location, assignment, cookie } = await visit(nginx, "app");
            expect(assignment).toMatch(/^0\.\d{15}$/);
            expect(cookie).toStartWith(`maxwellsdaemon=${assignment}; Path=/;`);
            expect(location).toBe(covers(0.75, 0.5, Number(assignment)) ? "canary" : "master");
            drawn.push(Number(assignment));
          },
        );
        expect(new Set(drawn).size).toBe(drawn.length);
        // Five standard deviations of a twentieth of them.
        const slack = 5 * Math.sqrt(drawn.length * 0.05 * 0.95);
        for (let from = 0; from < 20; from++) {
          const inside = drawn.filter((number) => Math.floor(number * 20) === from).length;
          expect(Math.abs(inside - drawn.length / 20)).toBeLessThan(slack);
        }
      },
      { workers: 2 },
    );
  }, 30_000);

  test("nginx accepts the numbers that the daemon accepts; everything else is a new visitor", async () => {
    const answer = (line: string) => {
      const { word, rest } = read(line);
      return word === "lease" ? "60000\ncanary=0.5@0\n" : confirmation(rest);
    };
    await withStandIn(["app"], answer, async (nginx) => {
      await becomes(nginx, "app", "canary");
      for (const known of [
        "0",
        "0.",
        ".25",
        "+0.25",
        "2.5e-1",
        "25E-2",
        "0.9999999999999999",
        "1e-9",
        "0e9",
      ]) {
        const { location, assignment, cookie } = await visit(nginx, "app", known);
        expect([known, assignment, location, cookie]).toEqual([
          known,
          known,
          Number(known) < 0.5 ? "canary" : "master",
          null,
        ]);
      }
      for (const none of [
        ...[
          "1",
          "1e0",
          "-0",
          "-0.1",
          "0x0.8p0",
          "0x0",
          "nan",
          "inf",
          ".",
          "e5",
          "0.1e",
          "0.1.2",
          "0,1",
          "0.1i",
        ],
        ...["0.1LL", "0b1", "0.99999999999999999", `0.${"1".repeat(40)}`, '"0.1"'],
      ]) {
        const { assignment, cookie } = await visit(nginx, "app", none);
        expect([none, assignment]).toEqual([none, expect.stringMatching(/^0\.\d{15}$/)]);
        expect(cookie).toStartWith(`maxwellsdaemon=${assignment};`);
      }
    });
  }, 30_000);

  test("a spelling of any length is on the same side of an edge as its number", async () => {
    // No sum of powers of ten gives this without rounding. Its neighbours differ in their last digits.
    const edge = 0.123456789012345;
    const answer = (line: string) => {
      const { word, rest } = read(line);
      return word === "lease" ? `60000\ncanary=${edge}@0\n` : confirmation(rest);
    };
    await withStandIn(["app"], answer, async (nginx) => {
      await becomes(nginx, "app", "canary");
      for (let decimals = 1; decimals <= 17; decimals++) {
        const digits = Math.floor(edge * 10 ** decimals);
        for (const neighbour of [digits - 1, digits, digits + 1].filter((digit) => digit >= 0)) {
          const text = `0.${String(neighbour).padStart(decimals, "0")}`;
          const { location, assignment } = await visit(nginx, "app", text);
          expect([text, assignment, location]).toEqual([
            text,
            text,
            Number(text) < edge ? "canary" : "master",
          ]);
        }
      }
      for (const none of ["0.12345678901234x", "0.1234/", "0.1234:", "0./", "0.1 2", "0.12345\u00b2"]) {
        const { assignment } = await visit(nginx, "app", none);
        expect([none, assignment]).toEqual([none, expect.stringMatching(/^0\.\d{15}$/)]);
      }
    });
  }, 30_000);

  test("a report that fails is sent again, and confirmed counts are not", async () => {
    const confirmed: Record<string, number> = {};
    let refusals = 0;
    const answer = (line: string, connection: { destroy(): unknown }) => {
      const { word, rest } = read(line);
      if (word === "lease") return "60000\ncanary=0.25@0\n";
      // Before it has counted them: cut, senseless, another's sum, a sum without its second line.
      const refusal = [undefined, "hello\n\n", "999999999\n\n", `${rest.split("=")[1]}\n`][refusals++];
      if (refusals <= 4) {
        if (refusal === undefined) connection.destroy();
        return refusal;
      }
      const [location = "", count] = rest.split("=");
      confirmed[location] = (confirmed[location] ?? 0) + Number(count);
      return confirmation(rest);
    };
    await withStandIn(["app"], answer, async (nginx) => {
      const sent: Record<string, number> = {};
      const untilMs = performance.now() + 6 * RENEW_MS;
      for (let index = 0; performance.now() < untilMs; index++) {
        const { location } = await visit(nginx, "app", String((index % 100) / 100));
        sent[location] = (sent[location] ?? 0) + 1;
        await Bun.sleep(2);
      }
      const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);
      await eventually(() => sum(confirmed) >= sum(sent), "all counts");
      await Bun.sleep(2 * RENEW_MS);
      const { failure = 0, master = 0, canary } = confirmed;
      expect(refusals).toBeGreaterThan(4);
      expect([master + failure, canary]).toEqual([sent["master"] ?? 0, sent["canary"]]);
    });
  }, 30_000);
});

describe.skipIf(missing !== undefined)("nginx with a lease of a real daemon", () => {
  const home = new DaemonHome({ records: { canary: 0.25 } });
  let daemon: DaemonProcess;
  let nginx: Nginx;

  beforeAll(async () => {
    daemon = await home.start();
    nginx = await startLeaseNginx(home.directory, home.socket, [home.application], { workers: 2 });
    await becomes(nginx, home.application, "canary");
    await Bun.sleep(2 * RENEW_MS);
  });

  afterAll(async () => {
    await nginx?.stop();
    await daemon?.end("SIGKILL");
    home.remove();
  });

  /** The daemon's counts of nginx's reports. */
  async function counted(): Promise<{ canary: number; master: number; failure: number }> {
    const reported = (await daemon.state()).applications[0]?.reported ?? [];
    const of = (location: string, kind: string) =>
      reported.find((one) => one.location === location && one.kind === kind)?.count ?? 0;
    return {
      canary: of("canary", "decided"),
      master: of("master", "decided"),
      failure: of("master", "failure"),
    };
  }

  /** Visits, of which a quarter are in the canary's arc. */
  const visits = (number: number) =>
    inParallel(
      Array.from({ length: number }, (_, index) => String((index % 100) / 100)),
      async (assignment) => {
        await visit(nginx, home.application, assignment);
      },
    );

  test("the daemon counts exactly the visitors that nginx served", async () => {
    const before = await counted();
    await visits(2_000);
    const wanted = { ...before, canary: before.canary + 500, master: before.master + 1_500 };
    await eventually(async () => (await counted()).master >= wanted.master, "all counts");
    await Bun.sleep(2 * RENEW_MS);
    expect(await counted()).toEqual(wanted);
  }, 30_000);

  test("while the daemon hangs no count is lost, and none is doubled", async () => {
    const before = await counted();
    daemon.signal("SIGSTOP");
    try {
      await visits(400);
      await Bun.sleep(2.5 * RENEW_MS);
      await visits(400);
    } finally {
      daemon.signal("SIGCONT");
    }
    const all = ({ canary, master, failure }: typeof before) => canary + master + failure;
    await eventually(async () => all(await counted()) >= all(before) + 800, "all counts");
    await Bun.sleep(2 * RENEW_MS);
    expect(all(await counted())).toBe(all(before) + 800);
  }, 30_000);

  test("while the daemon is gone, nginx counts visitors without a decision, and reports them to the next one", async () => {
    await eventually(
      async () => (await visit(nginx, home.application, "0.1")).location === "canary",
      "canary",
    );
    await Bun.sleep(2 * RENEW_MS);
    await daemon.end("SIGKILL");
    await Bun.sleep(LEASE_MS + 250);
    await visits(1_000);
    daemon = await home.start();
    await eventually(async () => (await counted()).failure === 1_000, "all counts");
    await Bun.sleep(2 * RENEW_MS);
    expect((await counted()).failure).toBe(1_000);
    const log = nginx.errorLog();
    // One line each, of each worker.
    expect(log.split("gives leases again").length).toBe(log.split("gives no lease").length);
    expect(log.split("gives no lease").length - 1).toBeLessThanOrEqual(4);
  }, 30_000);

  test("a version that is gone from the store does not keep the other counts from the daemon", async () => {
    home.write({ blue: 1, canary: 0 });
    await daemon.follows("blue", 1);
    await Bun.sleep(2 * RENEW_MS);
    await visits(100);
    home.write({ blue: 1 });
    await eventually(
      async () => !(await daemon.state()).applications[0]?.arcs.some((arc) => arc.version === "canary"),
      "a store without a canary",
    );
    await Bun.sleep(RENEW_MS);
    const before = await counted();
    await visits(200);
    // No upstream has that name here: they are at master.
    await eventually(async () => (await counted()).master === before.master + 200, "all counts");
    home.write({ canary: 0.25 });
    await daemon.follows("canary", 0.25);
    await becomes(nginx, home.application, "canary");
    await Bun.sleep(RENEW_MS);
  }, 30_000);

  test("workers that end in peace report their last second", async () => {
    await Bun.sleep(2 * RENEW_MS);
    const before = await counted();
    await visits(1_000);
    await nginx.stop("SIGQUIT");
    expect(await counted()).toEqual({ ...before, canary: before.canary + 250, master: before.master + 750 });
  }, 30_000);
});
