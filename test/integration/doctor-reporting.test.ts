/**
 * doctor's check of the reporting, with real proxies: it names the one that is silent, and the fields that
 * are wrong. Only this check runs. `doctor-shipped.test.ts` has it on the shipped files of each proxy.
 */

import { expect, test } from "bun:test";
import { reporting } from "../../src/doctor/checks/reporting.ts";
import { DaemonSide } from "../../src/doctor/daemon-side.ts";
import { runChecks } from "../../src/doctor/run.ts";
import { Site } from "../../src/doctor/site/site.ts";
import { Setup } from "../doctor/setup.ts";
import { haproxyMissing } from "../support/haproxy.ts";
import { nginxMissing } from "../support/nginx.ts";
import { freePort } from "../support/port.ts";
import { Rig } from "./conformance/rig.ts";
import { haproxyMap } from "./proxies/haproxy.ts";

const TIMEOUT_MS = 120_000;

/** The finding of the check for these addresses, and for the daemon with this admin listener. */
async function examine(adminUrl: string | undefined, ...urls: readonly string[]) {
  const { hostname, port } = new URL(adminUrl ?? "");
  const [site, ...otherSites] = urls.map(
    (url) =>
      new Site({
        ...{ url: new URL(url), userAgent: "doctor", isInsecure: false, headers: [] },
        ...{ versionHeader: "maxwellsdaemon-location", versionTexts: [] },
      }),
  );
  const options = {
    ...{ probes: 10, mayBreak: false, allowForce: false, stateDirectory: null, proxies: [], otherSites },
    ...{ tell: () => {}, random: Math.random },
  };
  const daemon = new DaemonSide(null, { host: hostname, port: Number(port) }, undefined);
  const { checks } = await runChecks(options, daemon, site, [reporting]);
  return checks[0] ?? expect.unreachable();
}

test.skipIf(nginxMissing() !== undefined)(
  "doctor, and three nginx: one reports, one is silent, and one reports wrong fields",
  async () => {
    const setup = await Setup.start();
    try {
      const good = await setup.nginx();
      const { verdict, summary, evidence } = await examine(setup.daemon.adminUrl, good);
      expect([verdict, summary]).toEqual(["pass", `8 of 8 visitors of ${good} were reported (line)`]);
      expect(evidence["sources"]).toEqual(["127.0.0.1"]);

      const silent = await setup.nginx((example) =>
        example.replace(/^log_by_lua_block .*$/m, "# The operator has removed this line."),
      );
      const wrong = await setup.nginx((example) =>
        example.replace(
          /"\?outcome \$maxwells_application \$maxwells_location (.*?) source=\$remote_addr /,
          '"?outcome $maxwells_application master $1 ',
        ),
      );
      const found = await examine(setup.daemon.adminUrl, good, silent, wrong);
      expect(found.verdict).toBe("warn");
      expect(found.summary).toMatch(
        new RegExp(`^the proxy at ${silent} \\(nginx, process \\d+\\) reports nothing: 0 of 8 visitors`),
      );
      expect(found.summary).toContain(`the reports of the proxy at ${wrong} (nginx, `);
      expect(found.summary).toContain(`All is well with the others: 8 of 8 visitors of ${good} were`);
      expect(found.evidence["faults"]).toEqual([
        "they do not have the visitor's address, so the errors of one network count without a limit",
        "they name master for a visitor whose answer came from canary",
      ]);
      expect(found.remedy).toContain("log_by_lua_block { maxwells_daemon.report() }");
      // Without an address for visitors, the daemon's counts show that one proxy reports.
      const counted = await examine(setup.daemon.adminUrl);
      expect([counted.verdict, counted.summary]).toEqual([
        "pass",
        expect.stringMatching(/^since the daemon started: \d+ decisions, \d+ reports of outcomes$/),
      ]);
    } finally {
      await setup.stop();
    }
  },
  TIMEOUT_MS,
);

test.skipIf(haproxyMissing() !== undefined)(
  "doctor, and a HAProxy that reports to another port: the daemon hears doctor's own report, and not HAProxy's",
  async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const rig = await Rig.start(haproxyMap, { daemonFlags: ["-outcomes", address] });
    try {
      const { verdict, summary, remedy } = await examine(rig.daemon.adminUrl, `${rig.url}/`);
      expect(verdict).toBe("warn");
      expect(summary).toMatch(/^the proxy at \S+ \(haproxy, process \d+\) reports nothing: 0 of 8 visitors/);
      expect(remedy).toStartWith(`look for the lines log ${address} and log-format-sd in HAProxy's frontend`);
    } finally {
      await rig.stop();
    }
  },
  TIMEOUT_MS,
);
