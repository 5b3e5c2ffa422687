/**
 * Cases of the evidence suite: an engine that goes away, is started again, loses what it had, and removes
 * what is old.
 */

import { expect } from "bun:test";
import { fails, freshKey, freshLog } from "../support/store-calls.ts";
import { again, distinct, Reader, use } from "./evidence-reader.ts";
import type { StoreHarness } from "./store-suite.ts";

export const ENGINE_CASES = {
  "without its engine both calls reject, and work again when it is back": engineLeaves,
  "what was appended is there after a restart of the engine, and its reader goes on": engineRestarts,
  "a reader of an engine that fell back to an older state sees what comes later": olderState,
  "a reader of an engine that was emptied sees what comes later": emptiedEngine,
  "a log goes when its time is over, and its reader sees what comes later": expires,
} as const satisfies Record<string, (harness: StoreHarness) => Promise<void>>;

async function engineLeaves(harness: StoreHarness): Promise<void> {
  if (harness.leave === undefined) throw new Error("without leave skip this case, and say why");
  await using opened = await use(harness);
  const log = freshLog("evidence");
  await opened.append(log, ["before"]);
  const reader = new Reader(opened.evidence, log);
  await reader.catchUp();
  await harness.leave();
  try {
    await fails(opened.append(log, ["meanwhile"]));
    await fails(reader.catchUp());
  } finally {
    await harness.recover?.();
  }
  await again(() => opened.append(log, ["after"]));
  await again(() => reader.catchUp());
  expect(reader.seen).toContain("after");
}

async function olderState(harness: StoreHarness): Promise<void> {
  await fallBack(harness, "older");
}

async function emptiedEngine(harness: StoreHarness): Promise<void> {
  await fallBack(harness, "empty");
}

/**
 * The reader has seen more than the engine has after the fail-over. A cursor that is only a number lies
 * before some of the later batches, and behind others.
 */
async function fallBack(harness: StoreHarness, state: "older" | "empty"): Promise<void> {
  if (harness.failOver === undefined)
    throw new Error("if nothing can fail over, skip this case, and say why");
  await using opened = await use(harness);
  const log = { application: `fell-back-${state}`, key: freshKey() };
  await harness.seed(log.application, { canary: 0.25 });
  const readers: Reader[] = [];
  const lookFromHere = async () => {
    const reader = new Reader(opened.evidence, log);
    await reader.catchUp();
    readers.push(reader);
  };
  for (let batch = 0; batch < 3; batch++) await opened.append(log, [`kept ${batch}`]);
  await lookFromHere();
  await harness.backUp?.(log.application);
  for (let batch = 0; batch < 5; batch++) {
    await opened.append(log, [`lost ${batch}`]);
    await lookFromHere();
  }
  await harness.failOver(state);
  try {
    const later: string[] = [];
    for (let batch = 0; batch < 8; batch++) {
      later.push(`later ${batch}`);
      await again(() => opened.append(log, [`later ${batch}`]));
      // The others look only when the new log has become longer than the old one.
      await again(() => readers[batch]?.catchUp() ?? Promise.resolve());
    }
    for (const reader of readers) {
      await again(() => reader.catchUp());
      expect(reader.seen.filter((batch) => batch.startsWith("later"))).toEqual(expect.arrayContaining(later));
    }
  } finally {
    await harness.recover?.();
  }
}

async function engineRestarts(harness: StoreHarness): Promise<void> {
  if (harness.restart === undefined) throw new Error("if nothing can be started again, skip this case");
  await using opened = await use(harness);
  const log = freshLog("evidence");
  const reader = new Reader(opened.evidence, log);
  for (const batch of ["one", "two"]) await opened.append(log, [batch]);
  await reader.catchUp();
  await opened.append(log, ["not read yet"]);
  await harness.restart();
  await again(() => opened.append(log, ["after"]));
  await again(() => reader.catchUp());
  expect(distinct(reader.seen)).toEqual(["after", "not read yet", "one", "two"]);
  await using other = await use(harness);
  const late = new Reader(other.evidence, log);
  await late.catchUp();
  expect(distinct(late.seen)).toEqual(distinct(reader.seen));
}

async function expires(harness: StoreHarness): Promise<void> {
  if (harness.age === undefined)
    throw new Error("if nothing removes what is old, skip this case, and say why");
  await using opened = await use(harness);
  const [old, young] = [freshLog("expiring"), freshLog("expiring")];
  for (const batch of ["one", "two", "three"]) await opened.append(old, [batch]);
  await opened.append(young, ["young"]);
  const reader = new Reader(opened.evidence, old);
  await reader.catchUp();
  await harness.age(old);
  // A new process looks for what is old.
  await using other = await use(harness);
  await other.append(young, ["of another process"]);
  const left = new Reader(other.evidence, old);
  await left.catchUp();
  expect(left.seen).toEqual([]);
  await reader.catchUp();
  expect(distinct(reader.seen)).toEqual(["one", "three", "two"]);
  // A daemon that was away for a week may still tell something.
  await other.append(old, ["later"]);
  await reader.catchUp();
  expect(reader.seen).toContain("later");
  const others = new Reader(opened.evidence, young);
  await others.catchUp();
  expect(distinct(others.seen)).toEqual(["of another process", "young"]);
}
