import { expect, test } from "bun:test";
import { Problem } from "../../src/config/option.ts";
import { openStore, resolveStore } from "../../src/stores/list.ts";
import { type CaseName, rollouts, storeSuite } from "./store-suite.ts";

const CONTEXT = { table: "", region: "", environment: {}, warn: () => {} };

const UNCHANGING = "a constant never changes, and nothing can be written";
const NO_ENGINE = "a constant has no engine";
const skips: Partial<Record<CaseName, string>> = {
  "an application that the engine does not know is an empty snapshot": "a constant knows every application",
  "values come back as they lie, malformed ones too": UNCHANGING,
  "names that JavaScript knows better are names like any other": UNCHANGING,
  "a snapshot holds all records of its application and no others": UNCHANGING,
  "a release is written with its rollout in one compare-and-set, and comes back equal": UNCHANGING,
  "a release is there when many are read, and one that changes alone changes its snapshot": UNCHANGING,
  "a release that is over may lose its log and its arcs when many are read, and nothing else": UNCHANGING,
  "the engine's clock tells the time": NO_ENGINE,
  "a revision changes with its record, and only then": UNCHANGING,
  "a write with the revision that is there replaces the record": UNCHANGING,
  "a lost write changes nothing and says what is there now": UNCHANGING,
  "a write with null makes a record": UNCHANGING,
  "a write with null is lost where a record is": UNCHANGING,
  "a write with a revision is lost where the record is gone": UNCHANGING,
  "of two writers at once exactly one wins": UNCHANGING,
  "a record is removed with the revision that is there, and with no other": UNCHANGING,
  "a record that was removed and is made again is not older than it was": UNCHANGING,
  "of a writer and a remover at once exactly one wins": UNCHANGING,
  "fields that a write does not name stay": UNCHANGING,
  "a field of any name is kept, or refused by name before anything is written": UNCHANGING,
  "all applications that have records are listed": "a constant knows every application",
  "what it needs may be made again, and changes nothing that is there": NO_ENGINE,
  "an engine that remembers tells what was, newest first": NO_ENGINE,
  "an engine with a history shows removals, also of the last record": NO_ENGINE,
  "ten thousand applications in one store change nothing for one": UNCHANGING,
  "many applications are read together, each as it is alone": UNCHANGING,
  "what did not change since the last time is the very object of that time": UNCHANGING,
  "what is wrong with one application is its answer alone": UNCHANGING,
  "ten thousand applications are read together in time, and without making others wait": UNCHANGING,
  "a read of an engine that hangs ends when it is given up": NO_ENGINE,
  "reading many that is given up rejects": UNCHANGING,
  "reading many of an engine that hangs ends when it is given up": NO_ENGINE,
  "reading many rejects without its engine": NO_ENGINE,
  "a value of a megabyte is read, or refused by name": UNCHANGING,
  "a record's position grows with each write, and never falls": UNCHANGING,
  "a network that refuses, resets, swallows, crawls, cuts or garbles is an error in time, and is got over":
    NO_ENGINE,
  "a push that is lost without a sound is found by the poll": NO_ENGINE,
  "an older state after a fail-over is outdated: the last values hold until there is a newer one": NO_ENGINE,
  "an older state counts at once if the engine counts no writes": NO_ENGINE,
  "an empty engine after a fail-over is believed: all visitors go to master": NO_ENGINE,
  "a user without the right is denied, and the secret is in no message": NO_ENGINE,
  "hold and the saved snapshot outlast a restart while the store is away": NO_ENGINE,
  "a watch is nudged soon after a change from outside": UNCHANGING,
  "a watch that has ended is nudged no more": UNCHANGING,
  "without its engine a read rejects, and works again when it is back": NO_ENGINE,
  "garbage is malformed, and good records are read again afterwards": NO_ENGINE,
};

storeSuite(
  "constant",
  async () => ({
    open: () => openStore("constant:0.25", CONTEXT),
    seed: async () => {},
    close: async () => {},
  }),
  skips,
);

test.each([
  ["0", 0],
  ["0.25", 0.25],
  ["1", 1],
  ["1.0", 1],
  ["1e-3", 0.001],
])("constant:%s is a canary of %d for every application", async (text, rollout) => {
  const store = await openStore(`constant:${text}`, CONTEXT);
  const snapshot = await store.read("anything", AbortSignal.timeout(1_000));
  expect(rollouts(snapshot)).toEqual({ canary: rollout });
  await store.close();
});

test.each(["", "-0.1", "1.01", "half", "NaN", "0x1", " 1", "1 "])(
  "constant:%s is refused with the remedy",
  (text) => {
    const resolved = resolveStore(`constant:${text}`);
    expect(resolved).toBeInstanceOf(Problem);
    expect((resolved as Problem).message).toContain("write a number from 0 to 1");
  },
);

test("an unknown kind of store is refused with the nearest one, and the command that lists all", () => {
  const message = (resolveStore("dynamdb:") as Problem).message;
  expect(message).toContain("did you mean dynamodb?");
  expect(message).toContain("maxwells-daemon help stores");
});
