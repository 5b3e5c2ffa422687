/**
 * The commented lines marked CHANGE of the shipped files, turned on in the real program. Testers have a link
 * to the canary, and bots do not count as visitors. Replies say which version served them, so all of doctor's
 * checks pass without texts of the pages.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ADDED_MS_MAX } from "../../src/doctor/checks/outage.ts";
import { run } from "../cli/run.ts";
import { freePort } from "../support/port.ts";
import { INTEGRATIONS } from "./conformance/list.ts";
import { Rig } from "./conformance/rig.ts";

const START_MS = 60_000;

/**
 * A run of all checks, on a machine that runs other tests meanwhile: a visitor that waits too long goes to
 * master.
 */
const BUSY = { retry: 5, timeout: 120_000 };

const BOTS = ["Mozilla/5.0 (compatible; Googlebot/2.1)", "kube-probe/1.31", "Some-Crawler/1.0"];

for (const integration of INTEGRATIONS) {
  if (!integration.hasOptions) continue;
  describe.skipIf(integration.missing() !== undefined)(`${integration.name}, with its options`, () => {
    let rig: Rig;

    beforeAll(async () => {
      const outcomesPort = await freePort();
      const daemonFlags = ["-outcomes", `127.0.0.1:${outcomesPort}`];
      rig = await Rig.start(integration, { allowForce: true, areOptionsOn: true, outcomesPort, daemonFlags });
    }, START_MS);
    afterAll(() => rig?.stop(), START_MS);

    test("replies say which version served them, to new visitors, known ones, and with errors", async () => {
      for (const [assignment, name] of [
        [0.1, "canary"],
        [0.9, "master"],
      ] as const) {
        for (const status of [200, 404, 500]) {
          const { headers } = await rig.visitAt(name, {
            headers: [
              ["cookie", rig.cookieOf(assignment)],
              ["x-status", String(status)],
            ],
          });
          expect([assignment, status, headers.get("maxwellsdaemon-location")]).toEqual([
            assignment,
            status,
            name,
          ]);
        }
      }
      const fresh = await rig.fresh();
      expect(fresh.headers.get("maxwellsdaemon-location")).toBe(fresh.name);
    });

    test(
      "all of doctor's checks pass, by the header alone",
      async () => {
        const [, admin = ""] = / runs .*admin=http:\/\/(\S+)/.exec(rig.daemon.log) ?? [];
        const daemon = ["-socket", rig.home.socket, "-admin", admin, "-state-dir", rig.home.stateDirectory];
        const page = ["-url", `${rig.url}/`, "-probes", "60", "-allow-force"];
        const { stdout } = await run(["doctor", ...daemon, ...page, "-break"]);
        // Other proxies of this machine may be there, and may be kept from this daemon's directory.
        const found = [...stdout.matchAll(/^(FAIL|warn) +(?!socket-access|proxies)([\w-]+) .*$/gm)].map(
          ([line]) => line,
        );
        // Some are tested with a longer time-out than the shipped one.
        const isPatient = integration.patienceMs >= ADDED_MS_MAX;
        expect(found.filter((line) => !(isPatient && /^FAIL +outage +visitors waited/.test(line)))).toEqual(
          [],
        );
        expect(stdout).toMatch(/^pass +version-shown +.*\n?.*maxwellsdaemon-location/m);
      },
      BUSY,
    );

    test("the link takes a tester to the canary, whatever the assignment, until the cookie ends", async () => {
      const link = await rig.visit({
        target: "/maxwellsdaemon-force/always",
        headers: [["cookie", rig.cookieOf(0.9)]],
      });
      expect([link.status, link.headers.get("location")]).toEqual([
        302,
        expect.stringMatching(/^(http.*)?\/$/),
      ]);
      expect(link.headers.get("cache-control")).toBe("no-store");
      expect(link.cookies).toEqual([
        "maxwellsdaemon-force=always; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax",
      ]);
      const [force = ""] = link.cookies[0]?.split(";") ?? [];
      const cookie = `${rig.cookieOf(0.9)}; ${force}`;
      expect((await rig.visitAt("canary", { headers: [["cookie", cookie]] })).name).toBe("canary");
      expect((await rig.known(0.9)).name).toBe("master");
    });

    test("bots and probes are at master, without a question to the daemon and without a cookie", async () => {
      const counted = async () => (await rig.daemon.state()).servers.map(({ success }) => success);
      const before = await counted();
      for (let visit = 0; visit < 20; visit++) {
        for (const bot of BOTS) {
          const served = await rig.visit({
            headers: [
              ["user-agent", bot],
              ["maxwellsdaemon-location", "canary"],
              ["maxwellsdaemon_location", "canary"],
              ["maxwellsdaemon", "0.1"],
            ],
          });
          expect([served.status, served.name, served.location, served.cookies]).toEqual([
            200,
            "master",
            "master",
            [],
          ]);
          expect(served.assignment).toBe("");
          expect(served.seen?.headers["maxwellsdaemon_location"]).toBeUndefined();
        }
      }
      expect(await counted()).toEqual(before);
    });
  });
}
