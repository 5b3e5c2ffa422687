/**
 * The shipped site of Apache, in a real httpd of several processes. These tests go beyond the conformance
 * suite: they check its comparisons against the daemon's own formula, its random numbers, and the map in
 * every state.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Arc, byPrecedence, covers } from "../../src/circle.ts";
import { leaseLine } from "../../src/leases/apache/map.ts";
import { KnownEnds } from "../../src/leases/arc-ends.ts";
import { Rollout } from "../../src/rollout.ts";
import {
  type Apache,
  apacheMissing,
  fillSite,
  installFiles,
  type Mpm,
  mapPath,
  openTo,
  startApache,
  wholeConfiguration,
} from "../support/apache.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/port.ts";
import { Random } from "../support/random.ts";
import { startUnixServer } from "../support/unix-server.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { Visitors } from "../support/visitors.ts";

const MINUTE_MS = 60_000;

/** Node's server closes a connection that was idle for this long. Apache has to stop this much earlier. */
const NODE_KEEPS_MS = 5_000;
const EARLIER_MS = 500;

type Arcs = Readonly<Record<string, readonly [rollout: number, offset: number]>>;

/** An httpd whose map the test writes itself, in the daemon's place. */
class Site {
  readonly directory = mkdtempSync(join(tmpdir(), "apache-"));
  readonly #upstreams: Upstream[] = [];
  #apache: Apache | undefined;
  #visitors: Visitors | undefined;
  #writtenAtS = 0;
  #port = 0;

  /** @param edit an operator's changes to the shipped site */
  async start(mpm: Mpm, edit = (site: string) => site): Promise<void> {
    const [master, canary] = [join(this.directory, "master.sock"), join(this.directory, "canary.sock")];
    this.#upstreams.push(startUpstream("master", master), startUpstream("canary", canary));
    installFiles(this.directory);
    openTo({ directory: this.directory }, [master, canary]);
    const port = await freePort();
    const maintenanceFile = join(this.directory, "maintenance");
    const site = edit(fillSite({ directory: this.directory, port, master, canary, maintenanceFile }));
    this.#apache = await startApache(this.directory, port, wholeConfiguration(this.directory, site, mpm));
    this.#port = port;
    this.reconnect();
  }

  /** A reload ends idle connections. */
  reconnect(): void {
    this.#visitors?.close();
    this.#visitors = new Visitors(this.#port, false);
  }

  async stop(): Promise<void> {
    this.#visitors?.close();
    await this.#apache?.stop();
    for (const upstream of this.#upstreams) upstream.stop();
    rmSync(this.directory, { recursive: true });
  }

  get apache(): Apache {
    if (this.#apache === undefined) throw new Error("it did not start");
    return this.#apache;
  }

  /**
   * Each file has a time of its own, by which httpd sees a new file. The system's clock may stand still for
   * 10 ms.
   */
  writeMap(text: string | Uint8Array): void {
    const path = mapPath(this.directory);
    writeFileSync(`${path}.new`, text);
    this.#writtenAtS = Math.max(Date.now() / 1_000, this.#writtenAtS + 0.001);
    utimesSync(`${path}.new`, this.#writtenAtS, this.#writtenAtS);
    renameSync(`${path}.new`, path);
  }

  /** Writes the line that a daemon would write at `atMs` for these arcs. */
  lease(arcs: Arcs, atMs = Date.now(), durationMs = 3_000): void {
    this.writeMap(`${lineOf(arcs, atMs, durationMs)}\n`);
  }

  /**
   * Expects visitors where the daemon's own table has them, and those of versions that are not `served` at
   * master.
   */
  async expectAgreement(arcs: Arcs, served: readonly string[], random: Random): Promise<void> {
    const rollout = new Rollout(["website"], MINUTE_MS);
    rollout.apply("website", listOf(arcs), 0);
    this.lease(arcs);
    const assignments = Array.from({ length: 30 }, () => String(Math.floor(random.fraction() * 1e15) / 1e15));
    await Promise.all(
      assignments
        .filter((text) => !text.includes("e"))
        .map(async (text) => {
          const location = rollout.table("website")?.locate(Number(text), 0).location ?? "";
          const wanted = served.includes(location) ? location : "master";
          const { told } = await this.known(text);
          expect([arcs, text, told["maxwellsdaemon-location"]]).toEqual([arcs, text, wanted]);
        }),
    );
  }

  async visit(headers: readonly (readonly [string, string])[] = [], target = "/") {
    if (this.#visitors === undefined) throw new Error("it did not start");
    const { status, body, cookies } = await this.#visitors.visit({ headers, target });
    if (status !== 200) throw new Error(`status ${status}: ${body}`);
    const { name, headers: told } = JSON.parse(body) as { name: string; headers: Record<string, string> };
    return { name, told, cookies };
  }

  known(assignment: string) {
    return this.visit([["cookie", `maxwellsdaemon=${assignment}`]]);
  }
}

/** In their order of precedence, like in a lease. */
function listOf(arcs: Arcs): Arc[] {
  return Object.entries(arcs)
    .map(([version, [rollout, offset]]) => ({ version, rollout, offset, failsafe: "master" as const }))
    .sort(byPrecedence);
}

function lineOf(arcs: Arcs, atMs: number, durationMs: number): string {
  return leaseLine("website", { durationMs, arcs: listOf(arcs) }, atMs, new KnownEnds()).line ?? "";
}

/** Arcs of these versions that overlap. */
function overlapping(versions: readonly string[], random: Random): Arcs {
  return Object.fromEntries(
    versions.map((version) => [version, [0.3 + 0.4 * random.fraction(), random.fraction()]]),
  );
}

describe.skipIf(apacheMissing() !== undefined).each(["event", "worker", "prefork"] as const)(
  "Apache with the MPM %s",
  (mpm) => {
    const site = new Site();
    beforeAll(() => site.start(mpm), 20_000);
    afterAll(() => site.stop(), 20_000);

    test("its comparisons place visitors as the daemon's formula does, over random arcs", async () => {
      const random = new Random();
      for (let round = 0; round < 25; round++) {
        const [rollout, offset] = [random.fraction(), random.fraction()];
        site.lease({ canary: [rollout, offset] });
        const edges = [offset, (offset + rollout) % 1].flatMap((edge) => [
          ...[edge, edge - 2 ** -53, edge + 2 ** -53, edge - 1e-9, edge + 1e-9],
        ]);
        const texts = [...edges, ...Array.from({ length: 15 }, () => random.fraction())]
          .filter((u) => u >= 0 && u < 1)
          .map(String)
          // A number of more than 18 decimals is compared as if it were cut off there (MAP-2). No visitor
          // gets such a number.
          .filter((text) => !text.includes("e") && text.length <= 20);
        await Promise.all(
          texts.map(async (text) => {
            const { name, told, cookies } = await site.known(text);
            const wanted = covers(offset, rollout, Number(text)) ? "canary" : "master";
            expect([rollout, offset, text, name, told["maxwellsdaemon-location"], cookies]).toEqual([
              ...[rollout, offset, text, wanted, wanted],
              [],
            ]);
          }),
        );
      }
    });

    test("new visitors are spread evenly, and no two processes draw the same numbers", async () => {
      site.lease({ canary: [0.5, 0] }, Date.now(), 3_000);
      const drawn: string[] = [];
      for (let round = 0; round < 40; round++) {
        site.lease({ canary: [0.5, 0] });
        const visits = await Promise.all(Array.from({ length: 50 }, () => site.visit()));
        for (const { name, told, cookies } of visits) {
          const assignment = told["maxwellsdaemon"] ?? "";
          expect(cookies).toEqual([
            `maxwellsdaemon=${assignment}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax`,
          ]);
          expect([assignment, name]).toEqual([assignment, Number(assignment) < 0.5 ? "canary" : "master"]);
          drawn.push(assignment);
        }
      }
      expect(new Set(drawn).size).toBe(drawn.length);
      for (let decimal = 2; decimal < 16; decimal++) {
        const counts = new Map<string, number>();
        for (const text of drawn) counts.set(text[decimal] ?? "", (counts.get(text[decimal] ?? "") ?? 0) + 1);
        expect([...counts.keys()].sort().join("")).toBe("0123456789");
        // 200 of each are expected; five standard deviations are 67.
        for (const count of counts.values()) expect(Math.abs(count - 200)).toBeLessThan(67);
      }
    });
  },
);

describe.skipIf(apacheMissing() !== undefined)("Apache's map", () => {
  const site = new Site();
  beforeAll(() => site.start("event"), 20_000);
  afterAll(() => site.stop(), 20_000);

  /** All visitors go to master, no cookie changes, and no visitor waits. */
  async function expectMasterServes(): Promise<void> {
    const known = await site.known("0.1");
    expect([known.name, known.cookies]).toEqual(["master", []]);
    expect(known.told).toMatchObject({ "maxwellsdaemon-location": "master" });
    expect(known.told).not.toHaveProperty("maxwellsdaemon");
    const fresh = await site.visit();
    expect([fresh.name, fresh.cookies]).toEqual(["master", []]);
  }

  async function expectDecided(): Promise<void> {
    const { name, told } = await site.known("0.1");
    expect([name, told["maxwellsdaemon"]]).toEqual(["canary", "0.1"]);
  }

  test("APM-2: before the first lease, and after its end, master serves", async () => {
    await expectMasterServes();
    site.lease({ canary: [0.5, 0] });
    await expectDecided();
    site.lease({ canary: [0.5, 0] }, Date.now() - 3_001);
    await expectMasterServes();
  });

  test("APM-2: a lease that begins later, as after a clock was set back, does not count", async () => {
    site.lease({ canary: [0.5, 0] }, Date.now() + 2 * MINUTE_MS);
    await expectMasterServes();
    site.lease({ canary: [0.5, 0] });
    await expectDecided();
  });

  test.each([
    ["nothing", ""],
    ["no lease", "website\n"],
    ["an old one", "website t=1,t=2\n"],
    ["times of another spelling", "website 0,9999999999999999,canary,0,1,0\n"],
    ["no times", "website t=0,t=x,canary,0,1,0\n"],
    ["commas", "website ,,,,,\n"],
    ["another application", "other t=0,t=9999999999999999,canary,0,1,0\n"],
    ["a long line", `website ${"x".repeat(100_000)}\n`],
    ["bytes", new Uint8Array(4_096).map((_, index) => index)],
  ] as const)("law 4: garbage in it is master: %s", async (_, text) => {
    site.writeMap(text);
    await expectMasterServes();
    site.lease({ canary: [0.5, 0] });
    await expectDecided();
  });

  test("law 4: master serves while the file is gone, and the file counts again when it is back", async () => {
    rmSync(mapPath(site.directory));
    await expectMasterServes();
    site.lease({ canary: [0.5, 0] });
    await expectDecided();
  });

  test("master serves the visitors of a version that the site does not know, beside one that it knows", async () => {
    site.lease({ canary: [0.25, 0], "canary.2": [0.5, 0.5], blue: [0.25, 0.25] });
    expect((await site.known("0.1")).name).toBe("canary");
    for (const u of ["0.3", "0.6", "0.9"]) {
      const { name, told } = await site.known(u);
      expect([name, told["maxwellsdaemon"]]).toEqual(["master", u]);
    }
  });

  test("an unknown version takes no visitors from the canary if they overlap", async () => {
    const random = new Random();
    for (let round = 0; round < 20; round++) {
      await site.expectAgreement(overlapping(["canary", "alpha", "blue"], random), ["canary"], random);
    }
  });

  test.each(["maxwellsdaemon-location", "Maxwellsdaemon, maxwellsdaemon-location", "close, MAXWELLSDAEMON"])(
    "a visitor with Connection: %s removes no header from the upstream",
    async (connection) => {
      site.lease({ canary: [0.5, 0] });
      const { told } = await site.visit([
        ["cookie", "maxwellsdaemon=0.1"],
        ["connection", connection],
      ]);
      expect(told).toMatchObject({ maxwellsdaemon: "0.1", "maxwellsdaemon-location": "canary" });
    },
  );

  test("headers with underscores do not reach the upstream either", async () => {
    const { told } = await site.visit([["maxwellsdaemon_location", "canary"]]);
    expect(told).not.toHaveProperty("maxwellsdaemon_location");
  });

  test("paths arrive in the visitors' spelling, with escaped question marks", async () => {
    for (const target of ["/a%3Fb?c=%3F", "/%C3%A4/a%20b", "/%25"]) {
      site.lease({ canary: [0.5, 0] });
      expect((await site.visit([["cookie", "maxwellsdaemon=0.1"]], target)).name).toBe("canary");
    }
  });

  test("law 4: it reloads and restarts without a daemon", async () => {
    site.lease({ canary: [0.5, 0] }, Date.now() - MINUTE_MS);
    const generations = () => site.apache.log().split("resuming normal operations").length;
    const before = generations();
    site.apache.reload();
    await eventually(() => generations() > before, "the reload");
    site.reconnect();
    for (let visit = 0; visit < 20; visit++) await expectMasterServes();
  });
});

describe.skipIf(apacheMissing() !== undefined).each(["event", "worker"] as const)(
  "connections to a version, with the MPM %s",
  (mpm) => {
    const site = new Site();
    beforeAll(() => site.start(mpm), 20_000);
    afterAll(() => site.stop(), 20_000);

    test.each([
      ["master", "0.9"],
      ["canary", "0.1"],
    ])(
      "Apache uses a connection to %s again, but not if it was idle for almost as long as Node keeps it",
      async (name, assignment) => {
        const path = join(site.directory, `${name}.sock`);
        let connections = 0;
        const version = await startUnixServer(path, (socket) => {
          connections++;
          const body = JSON.stringify({ name, headers: {}, body: "" });
          socket.on("data", () => {
            socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
          });
        });
        chmodSync(path, 0o666);
        // The visitor keeps its connection, so the same process of Apache gets all of its requests.
        const visit = async () => {
          site.lease({ canary: [0.5, 0] });
          expect((await site.known(assignment)).name).toBe(name);
          return connections;
        };
        expect([await visit(), await visit()]).toEqual([1, 1]);
        await Bun.sleep(NODE_KEEPS_MS - EARLIER_MS);
        expect(await visit()).toBe(2);
        await version.stop();
      },
    );
  },
);

describe.skipIf(apacheMissing() !== undefined)("a site behind a balancer that does the TLS", () => {
  const site = new Site();
  beforeAll(() => site.start("event", withoutMarked), 20_000);
  afterAll(() => site.stop(), 20_000);

  /** Without the lines that the site's file says to remove there. */
  function withoutMarked(text: string): string {
    return text.replace(/^ *# CHANGE: behind a balancer .*\n.*\n/gm, "");
  }

  test("upstreams get the balancer's header, and the cookie is Secure", async () => {
    site.lease({ canary: [0.5, 0] });
    const { told, cookies } = await site.visit([["x-forwarded-proto", "https"]]);
    expect(told["x-forwarded-proto"]).toBe("https");
    expect(cookies.join()).toEndWith("; Secure");
  });
});

describe.skipIf(apacheMissing() !== undefined)("a site with more versions", () => {
  const site = new Site();
  beforeAll(() => site.start("event", withVersions), 20_000);
  afterAll(() => site.stop(), 20_000);

  /**
   * Lines for the versions green and blue; blue is not served here. The last by name comes first, as the
   * README says.
   */
  function withVersions(text: string): string {
    const [lines = "", ...more] =
      text.match(/^ *RewriteCond expr .*\n.*E=MAXWELLS_LOCATION:canary.*\n/gm) ?? [];
    if (more.length > 0 || lines.split("canary").length !== 4) throw new Error("the canary has two lines");
    const green = lines.replace(",canary,", ",green,").replace("LOCATION:canary", "LOCATION:green");
    const blue = lines.replace(",canary,", ",blue,").replace("LOCATION:canary", "LOCATION:master");
    return text.replace(lines, () => green + blue.replace("website_canary", "website_master") + lines);
  }

  test("agrees with the daemon about overlapping arcs, also those of a version that is not served here", async () => {
    const random = new Random();
    for (let round = 0; round < 20; round++) {
      const arcs = overlapping(["canary", "blue", "green"], random);
      await site.expectAgreement(arcs, ["canary", "green"], random);
    }
  });
});
