/**
 * The operator of a rollback, who works by the store's own means: the rollout alone, as `set` writes it, or a
 * release and its `abort`, by the same code as the commands.
 */

import { randomBytes } from "node:crypto";
import { weightsOf } from "../../src/judge/metrics.ts";
import { openStore } from "../../src/stores/list.ts";
import type { Store } from "../../src/stores/store.ts";
import { type Carrying, carryOut } from "../../src/verbs/carry-out.ts";
import type { Looked, Target } from "../../src/verbs/look.ts";
import { planOf, START } from "../../test/releases/world.ts";
import type { Stops } from "../ways.ts";
import type { RunningEngine } from "./engines.ts";

const VERSION = "canary";
const TARGET = { application: "website", version: VERSION } as const;

const CALL_MS = 10_000;

export interface Operator {
  /** Gives the canary visitors, the one with the assignment 0.5 among them. */
  raise(): Promise<void>;
  /** Takes all of them back. */
  lower(): Promise<void>;
}

/** This process gets the environment that the store needs. */
export async function openFor({ address, operator, env }: RunningEngine, stops: Stops): Promise<Store> {
  Object.assign(process.env, env);
  const store = await openStore(operator ?? address, {
    table: "",
    region: "us-east-1",
    environment: process.env,
    warn: console.warn,
  });
  stops.push(() => store.close());
  await store.init?.(AbortSignal.timeout(CALL_MS));
  return store;
}

/** Writes the rollout. */
export function byRollout(store: Store): Operator {
  const write = async (rollout: number) => {
    const signal = AbortSignal.timeout(CALL_MS);
    const revision = (await store.read(TARGET.application, signal)).get(TARGET.version)?.revision ?? null;
    const written = await store.write?.(TARGET.application, TARGET.version, { rollout }, revision, signal);
    if (!written?.ok) throw new Error(`${store.address} did not take the write`);
  };
  return { raise: () => write(1), lower: () => write(0) };
}

/** Starts a release of half of the visitors, and aborts it. The canary must be at 0 before the first one. */
export function byRelease(store: Store): Operator {
  return {
    raise: () => startRelease(store, TARGET.application, "50%:1h,100%:1d", 0.25),
    lower: () => carry(store, TARGET, (looked) => ({ verb: "abort", key: keyIn(looked), reason: "INC-42" })),
  };
}

/** Starts a release of the version `canary`. */
export function startRelease(store: Store, application: string, plan: string, offset: number): Promise<void> {
  return carry(store, { application, version: VERSION }, (looked) => ({
    ...{ verb: "release", replace: false, seenKey: keyIn(looked) ?? null, reason: undefined },
    start: { ...START, key: drawKey(), plan: planOf(plan), offset, weights: WEIGHTS },
  }));
}

const WEIGHTS = weightsOf({ bounds: 0, isBroughtTold: true });

function drawKey(): string {
  return randomBytes(12).toString("hex");
}

async function carry(store: Store, target: Target, ask: Parameters<typeof carryOut>[1]): Promise<void> {
  const carrying: Carrying = {
    ...{ store, author: "ada@bench", why: undefined, drawKey, wallClock: Date.now, random: Math.random },
    ...{ signal: AbortSignal.timeout(CALL_MS), pause: Bun.sleep, timeLimit: AbortSignal.timeout },
  };
  const outcome = await carryOut(target, ask, carrying);
  if (outcome.kind !== "written") throw new Error(`${store.address}: ${JSON.stringify(outcome)}`);
}

function keyIn({ now: { found } }: Looked): string | undefined {
  return found.kind === "release" ? found.release.key : undefined;
}
