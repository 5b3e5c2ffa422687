/** A person clears a sign of the judge. */

import { describe, expect, test } from "bun:test";
import { loggedTransitions } from "../../src/releases/logged.ts";
import { move } from "../../src/releases/machine.ts";
import { type Cleared, LIST_MAX, type Release } from "../../src/releases/release.ts";
import type { Now } from "../../src/releases/request.ts";
import { nowOf, OTHER_KEY, REQUESTS, releaseOf, STAMP } from "./world.ts";

const clear = (now: Now, changes = {}) => move(now, { ...REQUESTS.clear, ...changes }, STAMP);

function written(now: Now, changes = {}): Release {
  const outcome = clear(now, changes);
  if (outcome.kind !== "write" || outcome.release === null) throw new Error(JSON.stringify(outcome));
  return outcome.release;
}

describe("a sign that is cleared", () => {
  test("stays in the record, with the person and the reason, and changes nothing else", () => {
    const before = releaseOf();
    const after = written(nowOf(before));
    const { cleared, seq, tx, ...same } = after;
    expect(cleared).toEqual([["split", "ada@web-1", "a bot"]]);
    expect([seq, tx]).toEqual([before.seq + 1, STAMP.tx]);
    expect({ ...same, seq: before.seq, tx: before.tx }).toEqual(before);
    expect(loggedTransitions(after)).toEqual(loggedTransitions(before));
  });

  test("is not cleared twice", () => {
    const release = releaseOf({ cleared: [["split", "bob@web-2", "known"]] });
    expect(clear(nowOf(release))).toEqual({ kind: "no-op", code: "cleared" });
    expect(written(nowOf(release), { sign: "level" }).cleared).toHaveLength(2);
  });

  test("is of the release that its writer saw", () => {
    expect(clear(nowOf(releaseOf({ key: OTHER_KEY })))).toMatchObject({ kind: "refused", code: "replaced" });
  });

  test("does not make another writer's change the release's own", () => {
    const paused = written(nowOf(releaseOf(), { rollout: 0.07 }));
    expect(paused).toMatchObject({ state: "paused", reason: "foreign-change" });
    expect(paused.cleared).toHaveLength(1);
    expect(clear(nowOf(releaseOf(), { rollout: 0 }))).toEqual({ kind: "error", code: "over" });
  });

  test("needs a record that can be used, and room in it", () => {
    const many = Array.from({ length: LIST_MAX }, (_, index): Cleared => [`sign-${index}`, "ada", "why"]);
    expect(clear(nowOf(releaseOf({ cleared: many })))).toMatchObject({ kind: "refused", code: "too-large" });
    expect(clear(nowOf(releaseOf(), { isMalformed: true }))).toMatchObject({ code: "malformed-record" });
    const long = written(nowOf(releaseOf()), { sign: "x".repeat(999), why: "y".repeat(999) });
    expect(long.cleared?.[0]?.map(({ length }) => length)).toEqual([256, 9, 256]);
  });
});
