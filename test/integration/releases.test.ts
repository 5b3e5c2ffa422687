/**
 * A release of twenty short steps by five real daemons on each real store, while they are killed, stopped and
 * restarted at random moments. Visitors come all the time, through a real nginx beside a daemon that only
 * follows. No check wants something to happen within a time, so a busy machine does not fail them.
 */

import { expect, test } from "bun:test";
import { Turns } from "../../src/controller/turns.ts";
import type { State } from "../../src/releases/release.ts";
import { eventually } from "../support/eventually.ts";
import { nginxMissing } from "../support/nginx.ts";
import { NAMES } from "./releases/fleet.ts";
import type { Way } from "./releases/site.ts";
import { DYNAMODB, ETCD, FILE, NATS, POSTGRES, REDIS, type SharedStoreKind } from "./releases/stores.ts";
import { astray, shortened, tooEarly } from "./releases/verdicts.ts";
import type { Witness } from "./releases/witness.ts";
import { type World, withWorld } from "./releases/world.ts";

/** `5%`, `10%` … `100%`: twenty steps. */
const SHARES: readonly number[] = Array.from({ length: 20 }, (_, index) => (index + 1) / 20);

/** The wait of each step but the last one. */
const WAIT_MS = 1_000;

const STEPS = SHARES.map((share) => (share < 1 ? `${Math.round(share * 100)}%:1s` : "100%:1d"));

/** Releases at the same time. Each has seven daemons, an nginx and a store, which mostly wait. */
const lanes = new Turns(2);

/** A release takes about 40 s, and some wait for their turn. A machine may be much busier than that. */
const TEST_MS = 900_000;

/** For a crowd that comes again within a second or two. */
const CROWD_MS = 60_000;

type Line = readonly [state: State, step: number, rollout: number];

/** The log of the release, without times and authors. */
function logOf({ last }: Witness): Line[] {
  return last?.release.log.map(([, , state, step, rollout]) => [state, step, rollout]) ?? [];
}

/** The log of the plan up to a step. */
function planTo(steps: number): Line[] {
  return SHARES.slice(0, steps).map((share, index) => [share < 1 ? "running" : "promoted", index + 1, share]);
}

/** The laws for each release, whatever became of it. */
function expectLawful({ crowd, witness, site }: World, loweredMs: number): void {
  expect(crowd.errors).toEqual([]);
  expect(shortened(witness.states, WAIT_MS)).toEqual([]);
  expect(tooEarly(crowd.answers, witness.states)).toEqual([]);
  // Without a lease, master serves all visitors for a while (law 4).
  if (!site.hasLostLease) expect(astray(crowd.answers, loweredMs)).toEqual([]);
  const [, ...log] = witness.last?.release.log ?? [];
  const raises = log.filter(([, , state]) => state === "running" || state === "promoted");
  const leaders = raises.map(([, , , , , by]) => by);
  expect(leaders.filter((by) => !NAMES.includes(by))).toEqual([]);
  expect(new Set(leaders).size).toBeGreaterThan(1);
}

interface Case {
  readonly kind: SharedStoreKind;
  readonly way: Way;
  /** The command that takes everyone back in the end. */
  readonly end: readonly string[];
}

const CASES: readonly Case[] = [
  { kind: DYNAMODB, way: "ask", end: ["finish", "-deployed", "v42"] },
  { kind: POSTGRES, way: "lease", end: ["finish", "-deployed", "v42", "-over", "5s"] },
  { kind: ETCD, way: "ask", end: ["undo", "-over", "5s"] },
  { kind: NATS, way: "lease", end: ["undo", "-m", "INC-42"] },
  { kind: REDIS, way: "lease", end: ["finish", "-deployed", "v42"] },
  { kind: FILE, way: "ask", end: ["undo", "-m", "INC-42"] },
];

for (const { kind, way, end } of CASES) {
  const missing = kind.missing ?? nginxMissing();
  test.concurrent.skipIf(missing !== undefined)(
    `${kind.name}: the log is the plan, and no visitor moves against the direction`,
    () =>
      lanes.run(() =>
        withWorld(kind, { steps: STEPS, way, delay: "250ms" }, async (world) => {
          const { operator, fleet, witness, crowd } = world;
          const said = await operator.does("release", "canary", "twenty", "-of", "v42", "-new");
          expect(said).toMatch(/\n {2}led by web-\d/);
          const promoted = witness.sees(({ release }) => release.state === "promoted", "the last step");
          await fleet.trouble(promoted);
          expect(logOf(witness)).toEqual(planTo(SHARES.length));
          await eventually(() => crowd.isAllAt("canary"), "everyone at the canary", CROWD_MS);

          const loweredMs = performance.now();
          const back = witness.sees(({ rollout }) => rollout === 0, "everyone back");
          await fleet.trouble(Promise.all([operator.does(...end), back]));
          await eventually(() => crowd.isAllAt("master"), "everyone at master", CROWD_MS);
          expectLawful(world, loweredMs);
        }),
      ),
    TEST_MS,
  );
}

const missing = REDIS.missing ?? nginxMissing();

test.concurrent.skipIf(missing !== undefined)(
  "an abort in the middle takes everyone back by push, and no daemon goes on",
  () =>
    lanes.run(() =>
      // The daemon beside nginx polls too seldom to find the abort by that.
      withWorld(REDIS, { steps: STEPS, way: "ask", delay: "5m" }, async (world) => {
        const { operator, fleet, site, witness, crowd } = world;
        await operator.does("release", "canary", "twenty", "-of", "v42", "-new");
        const aborted = (async () => {
          await witness.sees(({ release }) => release.step >= 8, "step 8");
          const typedMs = performance.now();
          await operator.does("abort", "-m", "INC-42");
          await site.daemon.follows("canary", 0);
          return { typedMs, followedMs: performance.now() };
        })();
        await fleet.trouble(aborted);
        const { typedMs, followedMs } = await aborted;
        await eventually(() => crowd.isAllAt("master"), "everyone at master", CROWD_MS);
        const late = crowd.answers.filter(({ name, askedMs }) => name === "canary" && askedMs > followedMs);
        expect(late).toEqual([]);
        // Each daemon that leads has read the end, and left it as it is.
        for (const daemon of fleet.daemons) await daemon.follows("canary", 0);
        const step = witness.last?.release.step ?? 0;
        expect(logOf(witness)).toEqual([...planTo(step), ["aborted", step, 0]]);
        expectLawful(world, typedMs);
      }),
    ),
  TEST_MS,
);
