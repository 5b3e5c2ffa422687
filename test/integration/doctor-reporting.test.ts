/**
 * doctor's check of the reporting, with real proxies: it names the one that is silent, and the fields that
 * are wrong. Only this check runs. `doctor-shipped.test.ts` has it on the shipped files of each proxy.
 */

import { expect, test } from "bun:test";
import type { Check } from "../../src/doctor/check.ts";
import { errors } from "../../src/doctor/checks/errors.ts";
import { reporting } from "../../src/doctor/checks/reporting.ts";
import { split } from "../../src/doctor/checks/split.ts";
import { DaemonSide } from "../../src/doctor/daemon-side.ts";
import { runChecks } from "../../src/doctor/run.ts";
import { Site } from "../../src/doctor/site/site.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { Setup } from "../doctor/setup.ts";
import { releaseOf } from "../releases/world.ts";
import { eventually } from "../support/eventually.ts";
import { haproxyMissing } from "../support/haproxy.ts";
import { nginxMissing } from "../support/nginx.ts";
import { freePort } from "../support/port.ts";
import { Rig } from "./conformance/rig.ts";
import { haproxyMap } from "./proxies/haproxy.ts";
import { nginx, nginxAuthRequest } from "./proxies/nginx.ts";

const TIMEOUT_MS = 120_000;

/** The first seconds of a step do not count. */
const GRACE_MS = 11_000;

/** The finding of the check for these addresses, and for the daemon with this admin listener. */
async function examine(adminUrl: string | undefined, ...urls: readonly string[]) {
  const [found] = await run([reporting], adminUrl, ...urls);
  return found ?? expect.unreachable();
}

async function run(checks: readonly Check[], adminUrl: string | undefined, ...urls: readonly string[]) {
  const { hostname, port } = new URL(adminUrl ?? "");
  const [site, ...otherSites] = urls.map(
    (url) =>
      new Site({
        ...{ url: new URL(url), userAgent: "doctor", isInsecure: false, headers: [] },
        ...{ versionHeader: "maxwellsdaemon-location", versionTexts: [] },
      }),
  );
  const options = {
    storeFlags: [],
    ...{ probes: 200, mayBreak: false, allowForce: false, stateDirectory: null, proxies: [], otherSites },
    ...{ tell: () => {}, random: Math.random },
  };
  const daemon = new DaemonSide(null, { host: hostname, port: Number(port) }, undefined);
  return (await runChecks(options, daemon, site, checks)).checks;
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

test.skipIf(nginxMissing() !== undefined)(
  "doctor, and an nginx with auth_request whose line to the daemon's syslog is removed: it names nginx and the line",
  async () => {
    const outcomesPort = await freePort();
    const address = `127.0.0.1:${outcomesPort}`;
    const isReport = /^access_log syslog:server=.+ maxwells if=\$maxwells_report;.*$/m;
    const way = nginx("auth-request", 1, (example) => {
      if (!isReport.test(example)) throw new Error("the shipped file should have the line that reports");
      return example.replace(isReport, "# The operator has removed this line.");
    });
    const changes = { answerTimeoutMs: 10_000, deniedPath: "/denied" };
    const rig = await Rig.start(
      { ...nginxAuthRequest, ...way },
      { outcomesPort, daemonFlags: ["-outcomes", address], changes },
    );
    try {
      const { verdict, summary, remedy } = await examine(rig.daemon.adminUrl, `${rig.url}/`);
      expect(verdict).toBe("warn");
      expect(summary).toMatch(/^the proxy at \S+ \(nginx, process \d+\) reports nothing: 0 of 8 visitors/);
      expect(remedy).toContain(`access_log syslog:server=${address} with auth_request`);
    } finally {
      await rig.stop();
    }
  },
  TIMEOUT_MS,
);

test.skipIf(nginxMissing() !== undefined)(
  "doctor during a release at 1 %: its visitors of the canary do not raise the sign split, and others do",
  async () => {
    const setup = await Setup.start(["-releases", "on"]);
    try {
      const url = await setup.nginx();
      const [since, [rollout, offset]] = [Date.now(), [0.01, 0.25]] as const;
      const release = releaseOf({
        ...{ since: new Date(since).toISOString(), arcs: [[since, rollout, offset]], step: 1 },
        ...{ wrote: [rollout, offset], log: [[4, since, "running", 1, rollout, "web-2"]] },
      });
      setup.home.write({ canary: { rollout, offset, release: releaseField(release) }, maintenance: 0 });
      await setup.daemon.follows("canary", rollout, offset);
      await Bun.sleep(GRACE_MS);
      const metric = async (series: string) => {
        const page = await (await fetch(`${setup.daemon.adminUrl}/metrics`)).text();
        return Number(new RegExp(`^maxwells_daemon_${series} (\\d+)$`, "m").exec(page)?.[1]);
      };
      const sign = () => metric('sign{[^}]*name="split"}');
      await eventually(async () => (await sign()) === 0, "the judge");

      const found = await run([errors, split, reporting], setup.daemon.adminUrl, url);
      expect(found.map(({ verdict }) => verdict)).toEqual(["pass", "pass", "pass"]);
      expect(await metric('outcomes_total{source="line",class="good"}')).toBeGreaterThan(200);
      expect(await sign()).toBe(0);

      for (let visitor = 0; visitor < 20; visitor++) {
        const cookie = `maxwellsdaemon=${offset + 0.0004 * (visitor + 1)}`;
        await fetch(url, { headers: { cookie } });
      }
      await eventually(async () => (await sign()) === 1, "split");
    } finally {
      await setup.stop();
    }
  },
  TIMEOUT_MS,
);
