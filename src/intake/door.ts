/**
 * The contract of a door: a listener at which proxies and applications report outcomes.
 *
 * The life of a door: `start` is called once, and returns at once. If the address belongs to another program,
 * such as the daemon before this one, the door says so in the log, and tries again each second. `close` is
 * called once, before the store closes. Nothing of a door throws.
 *
 * A door never keeps visitors waiting (law 16). It reads for a slice of time in one turn of the event loop.
 * It drops and counts what is too much.
 *
 * The line protocol is a door as well, at the daemon's own sockets: a line `?outcome` has a report
 * (`servers/line/questions.ts`).
 */

import type { HostPort } from "../address.ts";
import type { Log } from "../log/log.ts";
import type { Timers } from "../timers.ts";
import type { Intake } from "./intake.ts";
import type { DoorName } from "./outcome.ts";

/** A visitor waits about this long for the reading of outcomes, in milliseconds. */
export const SLICE_MS = 0.06;

/** Time between two attempts to open a door. */
export const TRY_MS = 1_000;

export interface Door {
  readonly name: DoorName;
  start(): void;
  /** Outcomes matter from now on, and not only from the next look on. */
  wake?(): void;
  close(): Promise<void>;
}

/** The parts that a door is made with. */
export interface DoorContext {
  readonly intake: Intake;
  readonly address: HostPort;
  /** Whether a release is under way, or doctor waits for outcomes: then they matter. */
  readonly isAwake: () => boolean;
  readonly log: Log;
  readonly timers: Timers;
  /** Calls back as soon as the event loop has answered the visitors that wait. */
  readonly soon: (callback: () => void) => void;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
}
