/**
 * From an alert to an abort with the real programs: Prometheus scrapes a daemon and evaluates a rule,
 * Alertmanager sends the alert with the sample of integrations/alertmanager, and the daemon ends the release.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ABORT_PATH, ALERTS_BYTES_MAX } from "../../src/alerts/abort-route.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { OTHER_KEY, releaseOf } from "../releases/world.ts";
import { type Alertmanager, alertmanagerMissing, startAlertmanager } from "../support/alertmanager.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { type Prometheus, prometheusMissing, startPrometheus } from "../support/prometheus.ts";
import { alertOf, bodyOf } from "./webhook.ts";

const missing = prometheusMissing() ?? alertmanagerMissing();

const SAMPLE = join(import.meta.dir, "../../integrations/alertmanager/alertmanager.yml");
const TOKEN = "0123456789abcdef0123";
const PACE = "1s";
const WITHIN_MS = 60_000;

/** More visitors of the canary than this are an alert. */
const CANARY_VISITORS = 3;

let home: DaemonHome;
let daemon: DaemonProcess;

beforeAll(async () => {
  const flags: string[] = ["-unhealthy", "60s"];
  home = new DaemonHome({ application: "shop", flags, records: recordOf() });
  const token = join(home.directory, "token");
  writeFileSync(token, `${TOKEN}\n`, { mode: 0o600 });
  flags.push("-admin-token-file", token);
  daemon = await home.start();
}, 60_000);

afterAll(async () => {
  await daemon.end();
  home.remove();
});

/** The canary at 5 % from 0.25 on, with a release that began now. */
function recordOf(key?: string) {
  const nowMs = Date.now();
  const release = releaseOf({
    ...{ since: new Date(nowMs).toISOString(), arcs: [[nowMs, 0.05, 0.25]], log: [] },
    ...(key === undefined ? {} : { key, id: 8 }),
  });
  return { canary: { rollout: 0.05, offset: 0.25, release: releaseField(release) } };
}

const recorded = () => JSON.parse(readFileSync(home.storePath, "utf8")).shop.canary;

/** The sample, with the address and the token of the test, and a pace of a second. */
function configuration(): string {
  const sample = readFileSync(SAMPLE, "utf8");
  return sample
    .replace("http://127.0.0.1:6293/api/abort", `${daemon.adminUrl}${ABORT_PATH}`)
    .replace("/etc/prometheus/maxwells-daemon.token", join(home.directory, "token"))
    .replace("group_interval: 10s", "group_interval: 1s")
    .replace("repeat_interval: 5m", "repeat_interval: 1s");
}

test.skipIf(missing !== undefined)("amtool takes the sample", () => {
  const { exitCode, stdout } = Bun.spawnSync(["amtool", "check-config", SAMPLE]);
  expect(stdout.toString()).toContain("SUCCESS");
  expect(exitCode).toBe(0);
});

describe.skipIf(missing !== undefined)("in a real Alertmanager the sample", () => {
  test.each([
    ["with the label to the daemon and to people", ["maxwells_daemon_abort=shop"], "release-abort,people"],
    [
      "without the label to people alone",
      ["alertname=MaxwellsDaemonReleasePaused", "application=shop"],
      "people",
    ],
  ])("sends an alert %s", (_, labels, receivers) => {
    const args = ["amtool", "config", "routes", "test", `--config.file=${SAMPLE}`, ...labels];
    expect(Bun.spawnSync(args).stdout.toString().trim()).toBe(receivers);
  });
});

describe.skipIf(missing !== undefined)("an alert of a real Prometheus", () => {
  let prometheus: Prometheus;
  let alertmanager: Alertmanager;

  beforeAll(async () => {
    alertmanager = await startAlertmanager(configuration());
    const rule = {
      alert: "TooManyVisitors",
      expr: `sum by (application) (maxwells_daemon_decisions_total{location="canary"}) > ${CANARY_VISITORS}`,
      labels: { maxwells_daemon_abort: "{{ $labels.application }}" },
    };
    const rules = join(home.directory, "rules.yml");
    writeFileSync(rules, JSON.stringify({ groups: [{ name: "own", rules: [rule] }] }));
    const targets = [new URL(daemon.adminUrl ?? "").host];
    const managers = [new URL(alertmanager.url).host];
    prometheus = await startPrometheus(
      JSON.stringify({
        global: { scrape_interval: PACE, scrape_timeout: PACE, evaluation_interval: PACE },
        rule_files: [rules],
        alerting: { alertmanagers: [{ static_configs: [{ targets: managers }] }] },
        scrape_configs: [{ job_name: "maxwells-daemon", static_configs: [{ targets }] }],
      }),
    );
  }, 90_000);

  afterAll(async () => {
    await prometheus.stop();
    await alertmanager.stop();
  });

  test("aborts the release, also if the store comes back only later, and not the next release", async () => {
    const before = readFileSync(home.storePath, "utf8");
    home.loseStore();
    for (let asked = 0; asked <= CANARY_VISITORS; asked++) expect(await home.ask("0.26")).toBe("canary");
    await eventually(() => daemon.log.includes("Alertmanager sends it again"), "an answer 503", WITHIN_MS);
    home.replace(before);
    await eventually(() => recorded().rollout === 0, "the abort", WITHIN_MS);
    expect(recorded()).toMatchObject({
      why: "alert TooManyVisitors fired (receiver release-abort)",
      updatedBy: expect.stringMatching(/^alertmanager:release-abort@./),
      release: { state: "aborted" },
    });
    const aborts =
      'maxwells_daemon_release_aborts_total{application="shop",version="canary",reason="alert"} 1';
    const metrics = async () => (await fetch(`${daemon.adminUrl}/metrics`)).text();
    await eventually(async () => (await metrics()).includes(aborts), "the count");
    await eventually(() => daemon.log.includes("there is nothing to abort"), "a repetition", WITHIN_MS);

    home.write(recordOf(OTHER_KEY));
    const goesOn = "began before release 8 of shop, so it goes on";
    await eventually(() => daemon.log.includes(goesOn), "an alert that is older", WITHIN_MS);
    expect(recorded()).toMatchObject({ rollout: 0.05, release: { state: "running", key: OTHER_KEY } });
    expect(daemon.log).not.toContain(TOKEN);
  }, 250_000);
});

describe("the listener", () => {
  const post = (body: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${daemon.adminUrl}${ABORT_PATH}`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...headers },
      body,
    });

  test("takes a long group of alerts, and answers 413 to a longer one", async () => {
    const long = (bytes: number) => {
      const body = bodyOf([alertOf({ maxwells_daemon_abort: "none" })], { externalURL: "" });
      return `${body}${" ".repeat(bytes - body.length)}`;
    };
    expect((await post(long(ALERTS_BYTES_MAX))).status).toBe(200);
    expect((await post(long(ALERTS_BYTES_MAX + 1))).status).toBe(413);
  });

  test("refuses a foreign Host, and a read", async () => {
    expect((await post(bodyOf([]), { host: "evil.example" })).status).toBe(403);
    expect((await fetch(`${daemon.adminUrl}${ABORT_PATH}`)).status).toBe(405);
  });

  test("limits wrong tokens by client, and a login of the page is not concerned", async () => {
    const wrong = () => post(bodyOf([]), { authorization: "Bearer 0123456789abcdef0124" });
    const replies = [];
    for (let tries = 0; tries < 6; tries++) replies.push((await wrong()).status);
    expect(replies).toEqual([401, 401, 401, 401, 401, 503]);
    expect((await post(bodyOf([]))).status).toBe(503);
    expect((await post(bodyOf([]), { "x-forwarded-for": "10.0.0.9" })).status).toBe(200);
    const login = await fetch(`${daemon.adminUrl}/api/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "ada", token: TOKEN }),
    });
    expect(login.status).toBe(204);
    expect(daemon.log).not.toContain("0123456789abcdef0124");
  });
});
