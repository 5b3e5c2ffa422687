/** Neither the address of a channel nor a signing secret is in any line, page or message. */

import { afterEach, describe, expect, test } from "bun:test";
import { Problem } from "../../src/config/option.ts";
import { warnOfVisibleSecret } from "../../src/daemon/start-warnings.ts";
import { prometheus } from "../../src/monitors/prometheus.ts";
import { notify, notifySecret } from "../../src/notices/options.ts";
import { NoticeSender } from "../../src/notices/sender.ts";
import { readSecret } from "../../src/notices/signature.ts";
import { run, temporaryDirectory } from "../cli/run.ts";
import { testContext } from "../monitors/context.ts";
import { eventually } from "../support/eventually.ts";
import { KeptLog } from "../support/logged.ts";
import { settingsOf } from "../support/settings.ts";
import { HandTimers } from "./hand-timers.ts";
import { answer, type Behaviour, garbage, hang, Receiver, reset } from "./receiver.ts";
import { abortedRelease, NOW_MS, SECRET, subjectOf } from "./world.ts";

/** A part of each secret, which would be in any trace of it. */
const WORDS = ["hunter2", SECRET.slice("whsec_".length)] as const;

function expectNoSecret(text: string): void {
  for (const word of WORDS) expect(text).not.toContain(word);
}

const receivers: Receiver[] = [];
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.stop();
});

describe("while notices are sent", () => {
  /** An answer that repeats the whole request, as a receiver in debug mode does. */
  const echo: Behaviour = (socket, { path, headers, body }) =>
    answer(
      400,
      { location: path },
      `${path} ${JSON.stringify(headers)} ${body}`,
    )(socket, {
      path,
      headers,
      body,
    });

  test.each<[string, Behaviour]>([
    ["takes them", answer(200)],
    ["refuses them", answer(403)],
    ["is away", answer(503)],
    ["resets", reset],
    ["hangs", hang],
    ["answers rubbish", garbage],
    ["repeats the request", echo],
    ["leads elsewhere", answer(302, { location: "/hunter2/elsewhere" })],
  ])("to a receiver that %s, the log and the metrics have no secret", async (_, behaviour) => {
    const receiver = await new Receiver(behaviour).start();
    receivers.push(receiver);
    const addresses = [`${receiver.url}/hunter2?t=hunter2`, `slack+${receiver.url}/services/hunter2`];
    const [destinations, key] = [notify.parse(addresses), readSecret(SECRET)];
    if (destinations instanceof Problem || key instanceof Problem) throw new Error("a wrong setting");
    const [timers, log, context] = [new HandTimers(), new KeptLog(), testContext()];
    const sender = new NoticeSender({
      ...{ destinations, keys: [key], transport: fetch, timers, log, metrics: context.metrics, own: "web-2" },
      reread: async () => undefined,
      ...{ told: undefined, clock: () => timers.nowMs, now: () => NOW_MS, random: () => 0 },
    });
    sender.look({ ...subjectOf(abortedRelease()), leaders: () => ["web-1"] });
    await timers.pass(0);
    await eventually(() => receiver.received.length >= 2, "both addresses are called");
    if (behaviour === hang) await timers.fire((ms) => ms > 5_000, "a time limit");
    await eventually(
      () => log.entries.length > 0 || context.metrics.notices.every(({ sent }) => sent > 0),
      "an end",
    );
    const closed = sender.close();
    await timers.pass(10_000);
    await closed;
    expectNoSecret(JSON.stringify(log.entries));
    const monitor = prometheus.create(settingsOf(), context);
    let page = "";
    for await (const chunk of monitor?.page?.chunks() ?? []) page += chunk;
    expect(page).toContain("maxwells_daemon_notices_total");
    expectNoSecret(page);
  });
});

describe("the command check", () => {
  const environment = {
    MAXWELLS_DAEMON_NOTIFY:
      "https://hooks.slack.com/services/hunter2,https://hooks.example.com/hunter2?t=hunter2",
    MAXWELLS_DAEMON_NOTIFY_SECRET: SECRET,
  };

  test.each([[[]], [["-o", "json"]]])("shows hosts and marks alone %j", async (flags) => {
    const { status, stdout, stderr } = await run(
      ["check", "-config", "none", "-releases", "on", ...flags],
      environment,
    );
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/https:\/\/hooks\.slack\.com\/\*\*\* \([0-9a-f]{8}\)/);
    expect(stdout).toMatch(/https:\/\/hooks\.example\.com\/\*\*\* \([0-9a-f]{8}\)/);
    expectNoSecret(stdout);
  });

  test.each([
    ["an address with a typing error", { MAXWELLS_DAEMON_NOTIFY: "htps://hooks.slack.com/services/hunter2" }],
    ["an address without a scheme", { MAXWELLS_DAEMON_NOTIFY: "hooks.slack.com/services/hunter2" }],
    ["an address with a password", { MAXWELLS_DAEMON_NOTIFY: "https://ada:hunter2@h/x" }],
    ["an address of a workflow", { MAXWELLS_DAEMON_NOTIFY: "https://hooks.slack.com/triggers/hunter2" }],
    ["a secret with a typing error", { MAXWELLS_DAEMON_NOTIFY_SECRET: `${SECRET}!` }],
    ["a secret without its prefix", { MAXWELLS_DAEMON_NOTIFY_SECRET: "hunter2hunter2hunter2hunter2" }],
    ["a secret in place of an address", { MAXWELLS_DAEMON_NOTIFY: SECRET }],
    ["an address in place of a secret", { MAXWELLS_DAEMON_NOTIFY_SECRET: "https://h/hunter2" }],
    [
      "an address twice",
      {
        MAXWELLS_DAEMON_NOTIFY:
          "https://hooks.slack.com/services/hunter2,https://hooks.slack.com/services/hunter2",
      },
    ],
    ["no secret", { MAXWELLS_DAEMON_NOTIFY: "https://h/hunter2" }],
  ])("names %s without repeating it", async (_, wrong) => {
    const { status, stdout, stderr } = await run(["check", "-config", "none"], wrong);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/MAXWELLS_DAEMON_NOTIFY/);
    expectNoSecret(stderr);
  });

  test("names a mistake in the file without repeating it", async () => {
    using directory = temporaryDirectory();
    const path = directory.path("md.toml");
    await Bun.write(path, `notify = ["https://h/hunter2#x"]\nnotify-secret = "whsec_hunter2"\n`);
    const { status, stderr } = await run(["check", "-config", path]);
    expect(status).toBe(2);
    expect(stderr.split("\n").filter((line) => line.includes("notify")).length).toBeGreaterThanOrEqual(2);
    expectNoSecret(stderr);
  });
});

test("help has no example that looks like a secret", async () => {
  const { stdout } = await run(["-help"]);
  expect(stdout).toContain(`-${notify.name} `);
  expect(stdout).toContain(`-${notifySecret.name} `);
  expect(stdout).not.toMatch(/whsec_[A-Za-z0-9+/=]/);
});

describe("a flag that every user of the machine can read", () => {
  const warnings = (...flags: readonly string[]) => {
    const log = new KeptLog();
    warnOfVisibleSecret(settingsOf(...flags), log);
    expectNoSecret(JSON.stringify(log.entries));
    return log.at("warn");
  };

  test("with an address of Slack is warned of, and the log does not repeat it", () => {
    expect(warnings("-notify", "https://hooks.slack.com/services/hunter2")).toMatchObject([
      {
        message: expect.stringContaining("every user of this machine can read it"),
        fields: {
          address: expect.stringMatching(/^slack hooks\.slack\.com [0-9a-f]{8}$/),
          remedy: expect.stringContaining("MAXWELLS_DAEMON_NOTIFY"),
        },
      },
    ]);
  });

  test("with the address of a receiver that checks signatures is not, and none is not either", () => {
    expect(warnings("-notify", "https://h/x", "-notify-secret", "file:/x")).toEqual([]);
    expect(warnings()).toEqual([]);
  });
});
