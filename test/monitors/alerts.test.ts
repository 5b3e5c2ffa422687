/**
 * The alerts of integrations/prometheus/rules.yml in a real Prometheus that scrapes real daemons. The
 * expressions are those of the file. Only the times for which they have to last are shorter, and the pace of
 * the scrapes.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RULES_FILE } from "../../scripts/alerts.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { releaseOf } from "../releases/world.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { type Prometheus, prometheusMissing, startPrometheus } from "../support/prometheus.ts";

const missing = prometheusMissing();

/** Prometheus asks and evaluates so often. */
const PACE = "1s";

/** On a busy machine too. */
const FIRES_WITHIN_MS = 60_000;

interface Firing {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: string;
}

let away: DaemonHome;
let stale: DaemonHome;
let daemons: DaemonProcess[];
let prometheus: Prometheus;

describe.skipIf(missing !== undefined)("in a real Prometheus", () => {
  beforeAll(async () => {
    const release = releaseOf({ since: new Date().toISOString() });
    const records = { canary: { rollout: 0.05, offset: 0.25, release: releaseField(release) } };
    away = new DaemonHome({ records });
    stale = new DaemonHome({ records, flags: ["-unhealthy", "3s"] });
    daemons = [await away.start(), await stale.start()];
    const rules = join(away.directory, "rules.yml");
    const text = readFileSync(RULES_FILE, "utf8").replaceAll(/^( +for:) .*$/gm, "$1 2s");
    writeFileSync(rules, text);
    const targets = daemons.map(({ adminUrl }) => new URL(adminUrl ?? "").host);
    const configuration = {
      global: { scrape_interval: PACE, scrape_timeout: PACE, evaluation_interval: PACE },
      rule_files: [rules],
      scrape_configs: [{ job_name: "maxwells-daemon", static_configs: [{ targets }] }],
    };
    prometheus = await startPrometheus(JSON.stringify(configuration));
  }, 90_000);

  afterAll(async () => {
    await prometheus.stop();
    for (const daemon of daemons) await daemon.end();
    away.remove();
    stale.remove();
  });

  async function firing(): Promise<readonly Firing[]> {
    const reply = await fetch(`${prometheus.url}/api/v1/alerts`);
    const { data } = (await reply.json()) as { readonly data: { readonly alerts: readonly Firing[] } };
    return data.alerts.filter(({ state }) => state === "firing");
  }

  async function fires(alert: string, instance?: DaemonProcess): Promise<Firing> {
    let found: Firing | undefined;
    const host = instance && new URL(instance.adminUrl ?? "").host;
    await eventually(
      async () => {
        found = (await firing()).find(
          ({ labels }) =>
            labels["alertname"] === alert && (host === undefined || labels["instance"] === host),
        );
        return found !== undefined;
      },
      alert,
      FIRES_WITHIN_MS,
    );
    return found as Firing;
  }

  const names = async () => (await firing()).map(({ labels }) => labels["alertname"]);

  test("a release that no daemon leads is an alert, and a fleet without a fault has no other one", async () => {
    const { labels } = await fires("MaxwellsDaemonReleaseNotLed");
    expect(labels).toMatchObject({ severity: "critical", application: "website", version: "canary" });
    // On a busy machine a scrape may come too late, and then a daemon counts as away.
    const others = (await names()).filter((name) => name !== "MaxwellsDaemonAway");
    expect(others).toEqual(["MaxwellsDaemonReleaseNotLed"]);
  }, 90_000);

  test("a store that is lost is an alert, which ends when the store is back", async () => {
    const [, daemon] = daemons;
    const before = readFileSync(stale.storePath, "utf8");
    stale.loseStore();
    const { annotations } = await fires("MaxwellsDaemonStoreStale", daemon);
    expect(annotations["summary"]).toEndWith("cannot read its store: 1 applications are stale");
    stale.replace(before);
    await eventually(
      async () => !(await names()).includes("MaxwellsDaemonStoreStale"),
      "the end of the alert",
      FIRES_WITHIN_MS,
    );
  }, 150_000);

  test("a socket whose file was removed, and whose path is taken, is an alert", async () => {
    const [, daemon] = daemons;
    rmSync(stale.socket);
    const other = Bun.listen({ unix: stale.socket, socket: { data() {} } });
    try {
      const { labels } = await fires("MaxwellsDaemonSocketGone", daemon);
      expect(labels["server"]).toBe(`line unix:${stale.socket}`);
    } finally {
      other.stop(true);
    }
  }, 90_000);

  test("a daemon that was killed is an alert with its name", async () => {
    const [daemon] = daemons;
    await daemon?.end("SIGKILL");
    const { labels } = await fires("MaxwellsDaemonAway", daemon);
    expect(labels).toMatchObject({ job: "maxwells-daemon", severity: "critical" });
  }, 90_000);
});
