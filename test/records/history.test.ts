/** The order of a history that the records themselves keep. */

import { expect, test } from "bun:test";
import type { Change } from "../../src/records/change.ts";
import { pastOfSnapshot } from "../../src/records/history.ts";
import { writeChange } from "../../src/records/write.ts";
import type { Snapshot, Store, Written } from "../../src/stores/store.ts";

const noon = "2026-01-02T12:00:00.000Z";
const later = "2026-01-02T12:00:09.000Z";
const last = "2026-01-02T12:00:20.000Z";

function snapshot(records: Readonly<Record<string, unknown>>): Snapshot {
  return new Map(Object.entries(records).map(([version, value]) => [version, { value, revision: "7" }]));
}

function rolloutsOf(records: Readonly<Record<string, unknown>>, limit = 9): unknown[] {
  return pastOfSnapshot(snapshot(records), limit).map(
    ({ version, value }) => `${version} ${(value as { rollout: number }).rollout}`,
  );
}

test("the states of a record stay in the order of writing if a writer's clock is ahead", () => {
  const past = [
    { rollout: 0.5, updatedAt: last },
    { rollout: 0.1, updatedAt: noon },
  ];
  expect(rolloutsOf({ canary: { rollout: 0, updatedAt: later, history: past } })).toEqual([
    "canary 0",
    "canary 0.5",
    "canary 0.1",
  ]);
});

test("the states of several records are sorted by time, the newest first", () => {
  const records = {
    canary: { rollout: 0.5, updatedAt: later, history: [{ rollout: 0.1, updatedAt: noon }] },
    blue: { rollout: 0.2, updatedAt: last },
    red: { rollout: 0.3 },
  };
  expect(rolloutsOf(records)).toEqual(["blue 0.2", "canary 0.5", "canary 0.1", "red 0.3"]);
  expect(rolloutsOf(records, 2)).toEqual(["blue 0.2", "canary 0.5"]);
});

test("a rollback that is written after another write is signed with a time after that write", async () => {
  const written: string[] = [];
  let other = new Date(0);
  const store: Store = {
    address: "here",
    read: async () => snapshot({ canary: 0.5 }),
    close: async () => {},
    write: async (_application, _version, fields): Promise<Written> => {
      written.push(String(fields["updatedAt"]));
      if (written.length > 1) return { ok: true, revision: "9" };
      await Bun.sleep(5);
      other = new Date();
      return { ok: false, current: { value: 0.35, revision: "8" } };
    },
  };
  const change: Change = {
    ...{ application: "app", version: "canary", rollout: 0 },
    ...{ offset: undefined, failsafe: undefined, expect: undefined, isNew: false, mayOverlap: false },
    signature: { author: "ada@web1", at: new Date(), why: undefined },
  };
  const noStamp = () => Promise.reject(new Error("the record has no release"));
  const outcome = await writeChange(change, store, AbortSignal.timeout(2_000), noStamp);
  expect(outcome).toMatchObject({ kind: "written", conflicts: 1 });
  expect(Date.parse(written[1] ?? "")).toBeGreaterThanOrEqual(other.getTime());
});
