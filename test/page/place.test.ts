/** The place of a visitor, if the records are lost. */

import { expect, test } from "bun:test";
import { placeOf } from "../../src/page/place.ts";
import { Rollout } from "../../src/rollout.ts";

test("a visitor without a fresh snapshot has master, and a sentence without marks of the documentation", () => {
  const rollout = new Rollout(["website"], 1_000);
  rollout.apply("website", [{ version: "canary", rollout: 1, offset: 0, failsafe: "master" }], 0);
  expect(placeOf(rollout, "assignment=0.1", 500)).toMatchObject({ location: "canary" });
  expect(placeOf(rollout, "assignment=0.1", 2_000)).toMatchObject({
    location: "master",
    sentence: "the store has been unreadable for longer than -unhealthy, so the visitor goes to master",
  });
});
