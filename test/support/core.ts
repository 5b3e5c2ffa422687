/** A core to hang a server on in tests: real parts, with tables and a clock that the test sets. */

import type { Arc } from "../../src/circle.ts";
import { Handler } from "../../src/handler.ts";
import { OutcomeCounts } from "../../src/intake/counts.ts";
import { Intake, type OutcomeFollower } from "../../src/intake/intake.ts";
import { Probes } from "../../src/intake/probes.ts";
import type { LeaseContext, MaintenanceView } from "../../src/leases/lease.ts";
import { silentLog } from "../../src/log/log.ts";
import { Metrics } from "../../src/metrics.ts";
import { Placements } from "../../src/placement.ts";
import { Rollout } from "../../src/rollout.ts";
import { TAIL_ENCODERS } from "../../src/servers/list.ts";
import { Connections } from "../../src/stream/connections.ts";
import { SYSTEM_TIMERS } from "../../src/timers.ts";

export const UNHEALTHY_MS = 8_000;

export interface Core extends LeaseContext {
  /** Applies arcs as read now. */
  apply(application: string, ...arcs: readonly (Partial<Arc> & { rollout: number })[]): void;
  /** Moves the clock, in milliseconds. */
  advance(ms: number): void;
}

/** An intake that only counts. */
export function createIntake(applications: readonly string[] = ["app"], follower?: OutcomeFollower): Intake {
  const examples = { dropped() {} };
  const probes = new Probes(SYSTEM_TIMERS);
  return new Intake({ applications, counts: new OutcomeCounts(), examples, follower, probes });
}

export interface CoreOptions {
  readonly applications?: string[];
  readonly allowForce?: boolean;
  /** Never on by default. */
  readonly maintenance?: MaintenanceView;
}

export function createCore(options: CoreOptions = {}): Core {
  let skippedMs = 0;
  const clock = () => performance.now() + skippedMs;
  const placements = new Placements(TAIL_ENCODERS);
  const rollout = new Rollout(options.applications ?? ["app"], UNHEALTHY_MS, 0, placements);
  const handler = new Handler({ rollout, allowForce: options.allowForce ?? false });
  return {
    handler,
    rollout,
    metrics: new Metrics(rollout.placements),
    log: silentLog,
    intake: createIntake(options.applications),
    clock,
    connections: new Connections(),
    maintenance: options.maintenance ?? { isOn: () => false },
    apply(application, ...arcs) {
      const whole = arcs.map((arc) => ({
        version: "canary",
        offset: 0,
        failsafe: "master" as const,
        ...arc,
      }));
      rollout.apply(application, whole, clock());
    },
    advance(ms) {
      skippedMs += ms;
    },
  };
}

/** How many visitors were placed with a reason. */
export function countOf(core: Core, reason: string): number {
  let count = 0;
  for (const placement of core.metrics.placements.values()) {
    if (placement.reason === reason) count += placement.count;
  }
  return count;
}
