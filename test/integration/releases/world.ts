/** All that takes part in one release: a store, the daemons that lead, a site, its visitors, and a person. */

import { openStore } from "../../../src/stores/list.ts";
import { Random } from "../../support/random.ts";
import { Crowd } from "./crowd.ts";
import { Fleet } from "./fleet.ts";
import { Operator } from "./operator.ts";
import { Site, type Way } from "./site.ts";
import type { SharedStoreKind } from "./stores.ts";
import { Witness } from "./witness.ts";

export interface World {
  readonly operator: Operator;
  readonly fleet: Fleet;
  readonly site: Site;
  readonly witness: Witness;
  readonly crowd: Crowd;
}

export interface WorldOptions {
  /** The steps of the plan `twenty`. */
  readonly steps: readonly string[];
  readonly way: Way;
  /** The `-delay` of the daemon beside nginx. */
  readonly delay: string;
}

/** Starts it, and ends all of it when `use` is done. */
export async function withWorld(
  kind: SharedStoreKind,
  { steps, way, delay }: WorldOptions,
  use: (world: World) => Promise<void>,
): Promise<void> {
  const stops: (() => unknown)[] = [];
  try {
    const store = await kind.start();
    stops.push(() => store.stop());
    const operator = new Operator(store, steps);
    stops.push(() => operator.leave());
    await operator.does("init-store");
    const fleet = new Fleet(store, new Random().seed);
    stops.push(() => fleet.end());
    await fleet.start();
    const site = await Site.start({ store, way, delay });
    stops.push(() => site.stop());
    // The SDK of DynamoDB reads the environment of the process.
    Object.assign(process.env, store.env);
    const context = { table: "", region: "us-east-1", environment: process.env, warn() {} };
    const opened = await openStore(store.address, context);
    stops.push(() => opened.close());
    const witness = new Witness(opened);
    stops.push(() => witness.close());
    const crowd = new Crowd(site);
    stops.push(() => crowd.close());
    await use({ operator, fleet, site, witness, crowd });
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}
