/** The doors for outcomes, with the settings of the operator. */

import type { Settings } from "../config/option.ts";
import { OutcomeCounts } from "../intake/counts.ts";
import type { Door } from "../intake/door.ts";
import { HttpDoor } from "../intake/http.ts";
import { Intake, type OutcomeFollower } from "../intake/intake.ts";
import { outcomes, outcomesFrom } from "../intake/options.ts";
import { Probes } from "../intake/probes.ts";
import { Senders } from "../intake/senders.ts";
import { Tellings } from "../intake/tellings.ts";
import { UdpDoor } from "../intake/udp.ts";
import { application } from "../settings/application.ts";
import type { StreamContext } from "../stream/stream-context.ts";
import { SYSTEM_TIMERS } from "../timers.ts";

export interface IntakeContext extends Omit<StreamContext, "connections"> {
  /** Gets each outcome of an application that this daemon serves; undefined if they are only counted. */
  readonly follower: OutcomeFollower | undefined;
  /** Whether a release is under way. */
  readonly isAwake: () => boolean;
}

/** All doors for outcomes. */
export interface Doors {
  /** Servers report to it too. */
  readonly intake: Intake;
  start(): void;
  /** Hears what has arrived, and no more. */
  close(): Promise<void>;
}

export function openIntake(settings: Settings, { follower, isAwake, ...stream }: IntakeContext): Doors {
  const { log, clock } = stream;
  const counts = new OutcomeCounts();
  const tellings = new Tellings(counts, log);
  const probes = new Probes(SYSTEM_TIMERS);
  const senders = new Senders(settings.get(outcomesFrom));
  const intake = new Intake({
    applications: settings.get(application),
    ...{ counts, examples: tellings, follower, probes, senders },
  });
  const address = settings.get(outcomes);
  const opened: Door[] = [];
  if (address !== null) {
    const context = {
      ...{ intake, address, log, clock, timers: SYSTEM_TIMERS },
      isAwake: () => isAwake() || probes.isAwake,
      soon: setImmediate,
    };
    opened.push(new UdpDoor(context), new HttpDoor(context, stream));
  }
  probes.onWake(() => {
    for (const door of opened) door.wake?.();
  });
  return {
    intake,
    start() {
      tellings.start();
      for (const door of opened) door.start();
    },
    async close() {
      await Promise.all(opened.map((door) => door.close()));
      tellings.close();
    },
  };
}
