/** Everything that a command gives to `carryOut`. */

import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Store } from "../../stores/store.ts";
import type { Carrying } from "../../verbs/carry-out.ts";
import type { Io } from "../command.ts";
import { authorOf } from "../records/author.ts";

/** @param why the text of `-m` */
export function carryingFor(store: Store, io: Io, why: string | undefined, signal: AbortSignal): Carrying {
  return {
    ...{ store, author: authorOf(io), why, signal, drawKey },
    wallClock: Date.now,
    random: Math.random,
    timeLimit: (ms) => AbortSignal.timeout(ms),
    pause: (ms) => sleep(ms),
  };
}

/** 96 random bits as 24 hexadecimal digits. */
export function drawKey(): string {
  return randomBytes(12).toString("hex");
}
