/**
 * Random walks of verbs, time, verdicts, clocks and foreign writes. `WALK` sets the number of transitions:
 * `WALK=20000000 SEED=7 bun test …`.
 */

import { expect, test } from "bun:test";
import type { Notice } from "../../src/releases/request.ts";
import { Random } from "../support/random.ts";
import { World } from "./walk.ts";

const TRANSITIONS = Number(process.env["WALK"] ?? 200_000);
const EPISODE = 200;

/** An idle machine takes a fortieth of this. Tests beside this one take their share of the processor. */
const LIMIT_MS_PER_TRANSITION = 1;

const NOTICES: readonly Notice[] = [
  ...([
    "started",
    "replaced",
    "advanced",
    "promoted",
    "paused",
    "inconclusive",
    "resumed",
    "aborted",
  ] as const),
  ...(["foreign-zero", "foreign-change", "other-version", "finished", "fading", "fade-over"] as const),
  "fade-stopped",
];

test(
  `laws 10 to 15 hold after each of ${TRANSITIONS} random transitions`,
  () => {
    const random = new Random();
    const seen: Record<string, number> = {};
    for (let episode = 0; episode * EPISODE < TRANSITIONS; episode++) {
      const world = new World(random);
      for (let step = 0; step < EPISODE; step++) {
        try {
          world.step();
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          throw new Error(`${message}: episode ${episode}, step ${step} of SEED=${random.seed}`, {
            cause: error,
          });
        }
      }
      for (const [name, times] of Object.entries(world.seen)) seen[name] = (seen[name] ?? 0) + times;
    }
    // A walk that never promotes, fades or aborts would prove little.
    if (process.env["WALK"] !== undefined) console.error(seen);
    for (const notice of NOTICES) expect(seen[notice] ?? 0, notice).toBeGreaterThan(TRANSITIONS / 50_000);
  },
  TRANSITIONS * LIMIT_MS_PER_TRANSITION,
);
