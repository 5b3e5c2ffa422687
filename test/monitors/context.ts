/** The context of a monitor: the real parts, with a clock and a log under the test's control. */

import { whyNotReady } from "../../src/daemon/readiness.ts";
import { Feed } from "../../src/feed/feed.ts";
import { OutcomeCounts } from "../../src/intake/counts.ts";
import { type Fields, type Log, silentLog } from "../../src/log/log.ts";
import { Metrics } from "../../src/metrics.ts";
import type { MonitorContext } from "../../src/monitors/monitor.ts";
import { Overview, type OverviewOptions } from "../../src/overview/overview.ts";
import { Rollout } from "../../src/rollout.ts";
import type { Store } from "../../src/stores/store.ts";

export const UNHEALTHY_MS = 8_000;

const emptyStore: Store = {
  address: "nowhere",
  read: async () => new Map(),
  close: async () => {},
};

export interface TestContext extends MonitorContext {
  nowMs: number;
  readonly logged: { level: "info" | "warn" | "error"; message: string; fields: Fields }[];
}

export function testContext(
  applications: readonly string[] = ["app"],
  leading?: OverviewOptions["leading"],
): TestContext {
  const rollout = new Rollout(applications, UNHEALTHY_MS);
  const metrics = new Metrics(rollout.placements);
  const logged: TestContext["logged"] = [];
  const keep =
    (level: "info" | "warn" | "error") =>
    (message: string, fields: Fields = {}) =>
      void logged.push({ level, message, fields });
  const log: Log = { info: keep("info"), warn: keep("warn"), error: keep("error") };
  const feed = new Feed({ store: emptyStore, rollout, delayMs: 1_000, metrics, log: silentLog });

  const overview = new Overview({ leading, log });

  const clock = () => context.nowMs;
  const notReady = () => whyNotReady({ rollout, isRead: () => feed.isReady, servers: [], clock });
  const processStartedAt = new Date(Date.now() - process.uptime() * 1_000);
  const context: TestContext = {
    ...{
      outcomes: new OutcomeCounts(),
      evidence: { bytes: 0, shortReleases: 0 },
      rollout,
      metrics,
      log,
      feed,
      overview,
      notReady,
      listeners: () => [{ name: "line unix:/run/daemon.sock", trouble: undefined }],
      logged,
      nowMs: 0,
      clock,
      processStartedAt,
      environment: {},
    },
  };
  return context;
}

/** Counts decisions, as a handler does. */
export function decide(context: MonitorContext, application: string, assignment: number, times = 1): void {
  const table = context.rollout.table(application);
  for (let i = 0; i < times && table !== undefined; i++) table.locate(assignment, context.clock()).count++;
}
