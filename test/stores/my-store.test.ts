import { afterEach, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "../../src/config/option.ts";
import { openStore, resolveStore } from "../../src/stores/list.ts";
import type { RecordFields, Store } from "../../src/stores/store.ts";
import { messageOf } from "../support/reason-of.ts";
import { evidenceSuite } from "./evidence-suite.ts";
import { rollouts, type StoreHarness, storeSuite } from "./store-suite.ts";

const EXAMPLE = join(import.meta.dir, "../../examples/my-store.ts");
const CONTEXT = { table: "", region: "", environment: {}, warn: () => {} };
const NO_ENGINE = "its engine is its own memory";
const signal = AbortSignal.timeout(60_000);

async function start(): Promise<StoreHarness> {
  // The memory is the engine, so there is one store for all that would open it.
  const store = await openStore(EXAMPLE, CONTEXT);
  const closing: Store = { ...store, close: async () => {} };
  return {
    open: async () => closing,
    async seed(application, records) {
      const before = await store.read(application, signal);
      for (const [version, value] of Object.entries(records)) {
        const fields = (typeof value === "number" ? { rollout: value } : value) as RecordFields;
        const known = before.get(version);
        if (JSON.stringify(known?.value) === JSON.stringify(fields)) continue;
        await store.write?.(application, version, fields, known?.revision ?? null, signal);
      }
    },
    close: () => store.close(),
  };
}

storeSuite("of examples/my-store.ts", start, {
  "a write with a revision is lost where the record is gone": "nothing deletes records of the example",
  "all applications that have records are listed": "the example is kept short",
  "what it needs may be made again, and changes nothing that is there": "it needs nothing",
  "a record's position grows with each write, and never falls": "the example is kept short",
  "a network that refuses, resets, swallows, crawls, cuts or garbles is an error in time, and is got over":
    NO_ENGINE,
  "a push that is lost without a sound is found by the poll": NO_ENGINE,
  "a read of an engine that hangs ends when it is given up": NO_ENGINE,
  "reading many of an engine that hangs ends when it is given up": NO_ENGINE,
  "reading many rejects without its engine": NO_ENGINE,
  "an older state after a fail-over is outdated: the last values hold until there is a newer one": NO_ENGINE,
  "an older state counts at once if the engine counts no writes": NO_ENGINE,
  "an empty engine after a fail-over is believed: all visitors go to master": NO_ENGINE,
  "a user without the right is denied, and the secret is in no message": NO_ENGINE,
  "hold and the saved snapshot outlast a restart while the store is away": NO_ENGINE,
  "an engine that remembers tells what was, newest first": "memory remembers nothing; its records do",
  "an engine with a history shows removals, also of the last record":
    "memory remembers nothing; its records do",
  "ten thousand applications in one store change nothing for one":
    "it has no other program's records to read",
  "what did not change since the last time is the very object of that time": "the example is kept short",
  "what is wrong with one application is its answer alone": NO_ENGINE,
  "ten thousand applications are read together in time, and without making others wait":
    "nothing deletes records of the example",
  "a value of a megabyte is read, or refused by name": "nothing deletes records of the example",
  "without its engine a read rejects, and works again when it is back": NO_ENGINE,
  "garbage is malformed, and good records are read again afterwards": NO_ENGINE,
  "a release is there when many are read, and one that changes alone changes its snapshot":
    "the example is kept short",
  "the engine's clock tells the time": NO_ENGINE,
});

evidenceSuite("examples/my-store.ts", start, {
  "calls to an engine that hangs end when they are given up": NO_ENGINE,
  "without its engine both calls reject, and work again when it is back": NO_ENGINE,
  "what was appended is there after a restart of the engine, and its reader goes on": NO_ENGINE,
  "a log goes when its time is over, and its reader sees what comes later": NO_ENGINE,
  "a network that refuses, resets, swallows, crawls, cuts or garbles fails both calls in time, and is got over":
    NO_ENGINE,
  "an append whose answer was lost is made again, and the merge counts its coins once": NO_ENGINE,
  "an answer that comes after its caller gave up is not taken for another one": NO_ENGINE,
  "an answer or a request that is cut in the middle leaves no part of a batch": NO_ENGINE,
  "a controller that has not read the evidence for 30 s neither aborts nor passes": NO_ENGINE,
  "an hour of a judged release costs no more than its page says": NO_ENGINE,
  "a reader of an engine that fell back to an older state sees what comes later": NO_ENGINE,
  "a reader of an engine that was emptied sees what comes later": NO_ENGINE,
  "a watch is nudged soon after an append": "the example is kept short",
});

afterEach(() => {
  delete process.env["MY_ROLLOUTS"];
});

test("the example begins with the rollouts of its environment, bare numbers too", async () => {
  process.env["MY_ROLLOUTS"] = '{ "website": { "canary": 0.25, "blue": { "rollout": 0.5 } } }';
  const store = await openStore(EXAMPLE, CONTEXT);
  expect(rollouts(await store.read("website", signal))).toEqual({ canary: 0.25, blue: 0.5 });
  await store.close();
});

test("a module that is not there is refused when it is resolved", () => {
  const resolved = resolveStore("./no-such-store.ts");
  expect(resolved).toBeInstanceOf(Problem);
  expect((resolved as Problem).message).toContain("no-such-store.ts");
});

test.each([
  ["makes nothing", "export default () => undefined;", "needs an address, read and close"],
  ["has no default export", "export const store = 1;", "no default export"],
  ["cannot be loaded", "export default (", "cannot be loaded"],
  ["throws", "export default () => { throw new Error('no DATABASE_URL'); };", "no DATABASE_URL"],
])("the error of a module that %s names its path", async (_, source, message) => {
  const directory = await mkdtemp(join(tmpdir(), "store-module-"));
  const path = join(directory, "store.ts");
  await writeFile(path, source);
  const opened = openStore(path, CONTEXT);
  expect(await messageOf(opened)).toContain(message);
  expect(await messageOf(opened)).toContain(path);
  await rm(directory, { recursive: true });
});
