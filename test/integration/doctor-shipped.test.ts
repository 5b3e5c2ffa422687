/**
 * `maxwells-daemon doctor` on the shipped files of each proxy, which pass, and on proxies with a lease. Each
 * has a daemon of its own, so two are examined at a time: doctor mostly waits.
 */

import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { Turns } from "../../src/controller/turns.ts";
import { ADDED_MS_MAX } from "../../src/doctor/checks/outage.ts";
import { run } from "../cli/run.ts";
import { BY_TEXT, type Examined, examine, FEW, failures } from "../doctor/setup.ts";
import { haproxyMissing } from "../support/haproxy.ts";
import { nginxMissing } from "../support/nginx.ts";
import { freePort } from "../support/port.ts";
import type { Integration } from "./conformance/integration.ts";
import { INTEGRATIONS } from "./conformance/list.ts";
import { Rig, type RigOptions } from "./conformance/rig.ts";
import { haproxyMap } from "./proxies/haproxy.ts";
import { nginxLease } from "./proxies/nginx.ts";
import { traefikSlices } from "./proxies/traefik.ts";

/** Examined at the same time. */
const lanes = new Turns(2);

/**
 * The shipped files wait only milliseconds: on a busy machine a visitor may go to master. An examination
 * takes some ten seconds, and most of them wait for their turn.
 */
const BUSY = { retry: 5, timeout: 600_000 };

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

/** Starts the integration as it is shipped, in its turn, and ends it when `use` is done. */
function withRig(
  integration: Integration,
  options: RigOptions,
  use: (rig: Rig) => Promise<void>,
): Promise<void> {
  return lanes.run(async () => {
    const rig = await Rig.start(integration, options);
    try {
      await use(rig);
    } finally {
      await rig.stop();
    }
  });
}

test.concurrent.skipIf(nginxMissing() !== undefined || haproxyMissing() !== undefined)(
  "doctor, and two proxies with a lease: it finds the proxy without a lease beside the one that renews",
  () =>
    withRig(nginxLease, { daemonFlags: ["-haproxy-map", "/nowhere/admin.sock"] }, async (rig) => {
      const examined = await examineRig(rig);
      expect(failures(examined.verdicts)).toEqual(["leases"]);
      expect(examined.check("leases").summary).toMatch(
        /^haproxy-map unix:\/nowhere\/admin\.sock is not renewed: \d+ failures meanwhile/,
      );
      expect(examined.check("leases").evidence["answered"]).toHaveProperty([`line unix:${rig.home.socket}`]);
      // nginx is the proxy behind -url, and has its lease.
      expect(examined.verdicts).toMatchObject({ "proxy-asks": "pass", split: "pass" });
    }),
  BUSY,
);

test.concurrent.skipIf(haproxyMissing() !== undefined)(
  "doctor, and a HAProxy whose map is not renewed: it is the cause if all visitors are at master",
  () =>
    withRig(haproxyMap, {}, async (rig) => {
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
    }),
  BUSY,
);

test.concurrent.skipIf(traefikSlices.missing() !== undefined)(
  "doctor, and Traefik with slices: it skips checks that it cannot make, and says so",
  () =>
    withRig(traefikSlices, {}, async (rig) => {
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
    }),
  BUSY,
);

for (const integration of INTEGRATIONS) {
  // doctor does not check a proxy's own cookie, nor visitors without an assignment.
  if (integration.sliceCookie !== undefined) continue;
  const missing = integration.missing();
  const isWrittenFor = WRITTEN_FOR.includes(integration.name);
  const hasNoSource = integration.reporting?.hasNoSource === true;
  test.concurrent.skipIf(missing !== undefined)(
    `doctor, and the shipped files: ${integration.name}: everything passes, also while the daemon is away`,
    async () => {
      const outcomesPort = await freePort();
      const daemonFlags = ["-outcomes", `127.0.0.1:${outcomesPort}`];
      await withRig(integration, { outcomesPort, daemonFlags }, async (rig) => {
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
            ...(hasNoSource ? [] : ["reporting"]),
            ...(isPatient ? [] : ["outage"]),
          ],
        ]);
        expect(/^warn +reporting .* they do not have the visitor's address/m.test(stdout)).toBe(hasNoSource);
        expect(/^skip +proxy-asks +not run, because the daemon writes a lease/m.test(stdout)).toBe(
          isWrittenFor,
        );
        // HAProxy that asks over SPOE has a map, too, for maintenance.
        expect(passed.includes("leases")).toBe(isWrittenFor || integration.folder === "haproxy");
        // An application that asks for itself has no proxy.
        expect(passed.includes("proxies") || integration.folder === "node").toBe(true);
        expect(status).toBe(isPatient ? 1 : 0);
      });
    },
    BUSY,
  );
}
