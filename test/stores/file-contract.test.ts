import { copyFile, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EVIDENCE_KEPT_MS } from "../../src/stores/evidence.ts";
import { directoryNameOf, evidenceOf } from "../../src/stores/file/evidence-names.ts";
import { openStore } from "../../src/stores/list.ts";
import { evidenceSuite } from "./evidence-suite.ts";
import { type StoreHarness, storeSuite } from "./store-suite.ts";

const NO_COUNT = "a file that any program may edit counts no writes";
const NO_NETWORK = "a file has no network of its own";
const NEVER_HANGS = "the tests' disk always answers";

/** For each daemon of a fleet of three that all lead; `docs/stores/file.md` has the figures. */
const HOUR_MAX = { lines: 900, bytes: 680_000 };

/** The evidence on the disk. */
async function costs(directory: string): Promise<Record<string, number>> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const texts = await Promise.all(
    names.filter((name) => name.endsWith(".log")).map((name) => readFile(join(directory, name), "utf8")),
  );
  const isLine = (line: string) => line !== "";
  return {
    lines: texts.reduce((sum, text) => sum + text.split("\n").filter(isLine).length, 0),
    bytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
  };
}

async function start(): Promise<StoreHarness> {
  const directory = await mkdtemp(join(tmpdir(), "store-file-"));
  const path = join(directory, "rollouts.json");
  const away = join(directory, "elsewhere.json");
  const backup = join(directory, "backup.json");
  const document = async () => JSON.parse((await readFile(path, "utf8").catch(() => "")) || "{}") as object;
  let saved = "";
  return {
    open: () => openStore(`file:${path}`, { table: "", region: "", environment: {}, warn: () => {} }),
    async seed(application, records) {
      await writeFile(path, JSON.stringify({ ...(await document()), [application]: records }));
    },
    async seedMany(applications, records) {
      const many = Object.fromEntries(applications.map((name) => [name, records]));
      await writeFile(path, JSON.stringify({ ...(await document()), ...many }));
    },
    async spoilOne(application) {
      await writeFile(path, JSON.stringify({ ...(await document()), [application]: 0.25 }));
    },
    async leave() {
      saved = await readFile(path, "utf8");
      await rename(path, away);
    },
    async spoil() {
      saved = await readFile(path, "utf8");
      await writeFile(path, saved.slice(0, -3));
    },
    backUp: () => copyFile(path, backup),
    async failOver(state) {
      saved = await readFile(path, "utf8");
      if (state === "empty") await writeFile(backup, "{}");
      await rename(backup, path);
    },
    async age(log) {
      const logDirectory = join(evidenceOf(path), directoryNameOf(log));
      const at = new Date(Date.now() - EVIDENCE_KEPT_MS - 60_000);
      for (const name of await readdir(logDirectory)) await utimes(join(logDirectory, name), at, at);
      await utimes(logDirectory, at, at);
    },
    meter: { read: () => costs(evidenceOf(path)), hourMax: HOUR_MAX },
    recover: () => writeFile(path, saved),
    forDaemon: { address: `file:${path}` },
    close: () => rm(directory, { recursive: true }),
  };
}

storeSuite("file", start, {
  "the engine's clock tells the time": "a file has no clock",
  "what it needs may be made again, and changes nothing that is there": "the first write makes the file",
  "a record's position grows with each write, and never falls": NO_COUNT,
  "an older state after a fail-over is outdated: the last values hold until there is a newer one": NO_COUNT,
  "a network that refuses, resets, swallows, crawls, cuts or garbles is an error in time, and is got over":
    NO_NETWORK,
  "a push that is lost without a sound is found by the poll": NO_NETWORK,
  "a read of an engine that hangs ends when it is given up": NEVER_HANGS,
  "reading many of an engine that hangs ends when it is given up": NEVER_HANGS,
  "a user without the right is denied, and the secret is in no message":
    "tests run as root, whom no file denies",
  "an engine that remembers tells what was, newest first": "a file remembers nothing; its records do",
  "an engine with a history shows removals, also of the last record":
    "a file remembers nothing; its records do",
});

evidenceSuite("file", start, {
  "calls to an engine that hangs end when they are given up": NEVER_HANGS,
  "without its engine both calls reject, and work again when it is back":
    "the evidence lies beside the file, and needs it no more",
  "what was appended is there after a restart of the engine, and its reader goes on":
    "a file has no engine, and the case of the next process shows it",
  "a network that refuses, resets, swallows, crawls, cuts or garbles fails both calls in time, and is got over":
    NO_NETWORK,
  "an append whose answer was lost is made again, and the merge counts its coins once": NO_NETWORK,
  "an answer that comes after its caller gave up is not taken for another one": NO_NETWORK,
  "an answer or a request that is cut in the middle leaves no part of a batch": "see file/evidence.test.ts",
  "a controller that has not read the evidence for 30 s neither aborts nor passes": `${NO_NETWORK}; see hearing/judged.test.ts`,
  "a reader of an engine that fell back to an older state sees what comes later": "see file/evidence.test.ts",
  "a reader of an engine that was emptied sees what comes later": "see file/evidence.test.ts",
  "a watch is nudged soon after an append": "a look at the files is as cheap",
});
