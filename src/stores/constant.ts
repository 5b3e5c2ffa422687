/**
 * A store that never changes: `constant:0.25` gives every application a canary with a quarter of the
 * visitors. For trials and tests.
 */

import { assignmentOfText } from "../assignment.ts";
import { abandoned } from "./shared/abort.ts";
import type { Snapshot, Store, StoreContext, StoreKind } from "./store.ts";

export const constant: StoreKind = {
  name: "constant",
  usage: "constant:ROLLOUT",
  summary: "a canary rollout that never changes, for trials; read-only",
  isReadOnly: true,

  check(location) {
    return Number.isNaN(rolloutOf(location)) ? "write a number from 0 to 1, as in constant:0.25" : undefined;
  },

  async open(context: StoreContext): Promise<Store> {
    const rollout = rolloutOf(context.location);
    const snapshot: Snapshot = new Map([["canary", { value: rollout, revision: "1" }]]);
    return {
      address: `constant:${rollout}`,
      async read(_application, signal) {
        if (signal.aborted) throw abandoned(signal);
        return snapshot;
      },
      async readMany(_applications, signal) {
        if (signal.aborted) throw abandoned(signal);
        return { get: () => snapshot };
      },
      close: async () => {},
    };
  },
};

function rolloutOf(text: string): number {
  return /^1(?:\.0*)?$/.test(text) ? 1 : assignmentOfText(text);
}
