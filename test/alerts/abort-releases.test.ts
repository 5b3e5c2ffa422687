/** Aborts of many applications at a store that hangs. */

import { beforeEach, expect, test } from "bun:test";
import { ALL_ABORTS_MS_MAX, AT_ONCE_MAX, abortReleases } from "../../src/alerts/abort-releases.ts";
import type { AbortAlert } from "../../src/alerts/read-alerts.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import type { Store } from "../../src/stores/store.ts";
import { BEGAN_MS, releaseOf } from "../releases/world.ts";
import { eventually } from "../support/eventually.ts";
import { MemoryStore } from "../support/memory-store.ts";

const APPLICATIONS = Array.from({ length: AT_ONCE_MAX * 3 }, (_, index) => `shop-${index}`);
const ALERTS: readonly AbortAlert[] = APPLICATIONS.map((application) => ({
  ...{ name: "CheckoutErrors", application, version: undefined, key: undefined },
  ...{ beganAtMs: BEGAN_MS + 300_000, fingerprint: "5ef77f1f8a3ecfac" },
}));

let store: MemoryStore;

beforeEach(() => {
  store = new MemoryStore(() => BEGAN_MS + 600_000);
  const release = releaseOf();
  const [rollout, offset] = release.wrote;
  for (const application of APPLICATIONS) {
    store.put(application, "canary", { rollout, offset, release: releaseField(release) });
  }
});

/** A store that does not answer for these applications, and does not look at its signal. */
function hanging(hangs: (application: string) => boolean): {
  readonly store: Store;
  readonly asked: string[];
} {
  const asked: string[] = [];
  return {
    asked,
    store: {
      ...{ address: "memory:", write: (...of) => store.write(...of), close: async () => {} },
      read(application, signal) {
        asked.push(application);
        return hangs(application) ? new Promise(() => {}) : store.read(application, signal);
      },
    },
  };
}

/** Aborts with time limits that the test ends, by their length. */
function abort(at: Store) {
  const limits = new Map<number, AbortController[]>();
  const timeLimit = (ms: number) => {
    const controller = new AbortController();
    limits.set(ms, [...(limits.get(ms) ?? []), controller]);
    return controller.signal;
  };
  const results = abortReleases(ALERTS, {
    ...{ store: at, storeFlags: [], author: "alertmanager:r@web-1", receiver: "r" },
    ...{ isServed: () => true, timeLimit },
  });
  const passAll = () => {
    for (const limit of limits.get(ALL_ABORTS_MS_MAX) ?? []) limit.abort();
  };
  return { results, passAll };
}

const rolloutOf = (application: string) =>
  (store.snapshot(application).get("canary")?.value as { readonly rollout: number } | undefined)?.rollout ??
  1;

test("if the store hangs for one application, the releases of all others are aborted meanwhile", async () => {
  const [first = "", ...others] = APPLICATIONS;
  const { results, passAll } = abort(hanging((application) => application === first).store);
  await eventually(() => others.every((application) => rolloutOf(application) === 0), "all other aborts");
  expect(rolloutOf(first)).toBeGreaterThan(0);
  passAll();
  const unavailable = (await results).filter(({ kind }) => kind === "unavailable");
  expect(unavailable.map(({ application }) => application)).toEqual([first]);
});

test("law 5: if the store hangs, all applications of a body end at one time limit, and are worth another try", async () => {
  const { store: hung, asked } = hanging(() => true);
  const { results, passAll } = abort(hung);
  await eventually(() => asked.length === AT_ONCE_MAX, "the first reads");
  passAll();
  const all = await results;
  expect(all.map(({ application }) => application)).toEqual(APPLICATIONS);
  expect(all.every(({ kind }) => kind === "unavailable")).toBeTrue();
  expect(asked).toHaveLength(AT_ONCE_MAX);
});
