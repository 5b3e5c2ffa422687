/** The evidence of releases beside a file, beyond the suite: its files, and what may happen to them. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFile,
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BATCH_BYTES_MAX,
  BATCHES_MAX,
  EVIDENCE_KEPT_MS,
  type Evidence,
} from "../../../src/stores/evidence.ts";
import { endOf, linesIn, placesOf } from "../../../src/stores/file/evidence-lines.ts";
import { directoryNameOf } from "../../../src/stores/file/evidence-names.ts";
import { openStore } from "../../../src/stores/list.ts";
import type { Store } from "../../../src/stores/store.ts";
import { hasSmallDisks, mountSmallDisk, unmount } from "../../support/disk.ts";
import { eventually } from "../../support/eventually.ts";
import { fails } from "../../support/store-calls.ts";

const LOG = { application: "website", key: "0123456789abcdef01234567" };
const LONG = Array.from({ length: BATCHES_MAX }, () => "x".repeat(BATCH_BYTES_MAX));
const MIB = 1024 * 1024;
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const WRITER = join(import.meta.dir, "../../support/evidence-writer.ts");

let directory: string;
let path: string;
let evidence: string;
const stores: Store[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "file-evidence-"));
  path = join(directory, "rollouts.json");
  evidence = `${path}.evidence`;
  await writeFile(path, "{}");
});

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await rm(directory, { recursive: true, force: true });
});

async function open(at = path): Promise<Evidence> {
  const store = await openStore(`file:${at}`, { table: "", region: "", environment: {}, warn: () => {} });
  stores.push(store);
  if (store.evidence === undefined) throw new Error("no evidence");
  return store.evidence;
}

const logDirectory = () => join(evidence, directoryNameOf(LOG));

/** The paths of the log's files. */
async function files(): Promise<string[]> {
  return (await readdir(logDirectory())).map((name) => join(logDirectory(), name));
}

async function onlyFile(): Promise<string> {
  const [only = "", ...others] = await files();
  expect(others).toEqual([]);
  return only;
}

/** All that a reader gets from here on, and its place then. */
async function readOn(from: Evidence, cursor?: string): Promise<{ batches: string[]; cursor: string }> {
  const batches: string[] = [];
  let at = cursor;
  for (;;) {
    const news = await from.read(LOG, at, soon());
    batches.push(...news.batches);
    at = news.cursor;
    if (!news.hasMore) return { batches, cursor: at };
  }
}

const soon = () => AbortSignal.timeout(20_000);

test("each process has a file of its own, in a directory for people to read", async () => {
  const [one, two] = [await open(), await open()];
  for (const writer of [one, two, one, two]) await writer.append(LOG, ["batch"], soon());
  expect(await readdir(directory)).toEqual(["rollouts.json", "rollouts.json.evidence"]);
  const [name = ""] = await readdir(evidence);
  expect(name).toMatch(/^website-0123456789abcdef01234567-[0-9a-f]{32}$/);
  const texts = await Promise.all((await files()).map((file) => readFile(file, "utf8")));
  expect(texts.length).toBe(2);
  for (const text of texts) expect(text).toMatch(/^(\n\["batch"\] [0-9a-f]{16}\n){2}$/);
});

test("several processes append at the same time, and a reader that follows misses nothing", async () => {
  const children = ["a", "b", "c", "d"].map((name) =>
    Bun.spawn([process.execPath, WRITER, `file:${path}`, name, "50"], { stdout: "ignore", stderr: "pipe" }),
  );
  const reader = await open();
  const seen = new Set<string>();
  let cursor: string | undefined;
  await eventually(async () => {
    const news = await readOn(reader, cursor);
    cursor = news.cursor;
    for (const batch of news.batches) seen.add(batch);
    return seen.size === 200;
  }, "all batches are read");
  for (const child of children) expect(await child.exited).toBe(0);
  expect((await readOn(reader, cursor)).batches).toEqual([]);
});

describe("what is not a whole line", () => {
  test("a line that was cut off is not read, and the next append is", async () => {
    const writer = await open();
    await writer.append(LOG, ["one"], soon());
    await writer.append(LOG, ["two, cut off"], soon());
    const file = await onlyFile();
    await truncate(file, (await stat(file)).size - 3);
    const first = await readOn(writer);
    expect(first.batches).toEqual(["one"]);
    await writer.append(LOG, ["three"], soon());
    expect((await readOn(writer, first.cursor)).batches).toEqual(["three"]);
    expect((await readOn(writer)).batches).toEqual(["one", "three"]);
  });

  test("a line that is still being written is read when it is whole", async () => {
    const writer = await open();
    await writer.append(LOG, ["one"], soon());
    const file = await onlyFile();
    const { cursor } = await readOn(writer);
    const line = '\n["two"] 0123456789abcdef\n';
    let at = cursor;
    for (const character of line) {
      const news = await readOn(writer, at);
      expect(news.batches).toEqual([]);
      at = news.cursor;
      await appendFile(file, character);
    }
    expect((await readOn(writer, at)).batches).toEqual(["two"]);
  });

  test.each([
    ["a text without an end", "x".repeat(3 * MIB)],
    ["empty lines", "\n".repeat(3 * MIB)],
    ["a text that nests too deeply", `${"[".repeat(200_000)}${"]".repeat(200_000)} 0123456789abcdef`],
    ["another list", "[1,null,{}] 0123456789abcdef"],
    ["a list without an end", '["x" 0123456789abcdef'],
    ["bytes that are not UTF-8", "\xff\xfe"],
  ])("%s in a file is passed over", async (_, garbage) => {
    const writer = await open();
    await writer.append(LOG, ["one"], soon());
    const { cursor } = await readOn(writer);
    await appendFile(await onlyFile(), garbage, "latin1");
    await writer.append(LOG, ["two"], soon());
    expect((await readOn(writer, cursor)).batches).toEqual(["two"]);
    expect((await readOn(writer)).batches).toEqual(["one", "two"]);
  });

  test("other files in the directories stay, and their lines do not count", async () => {
    const writer = await open();
    await writer.append(LOG, ["one"], soon());
    const line = '\n["no"] 0123456789abcdef\n';
    for (const name of ["abcdefgh.txt", "abcdefgh.log.1", "README"]) {
      await writeFile(join(logDirectory(), name), line);
    }
    expect((await readOn(writer)).batches).toEqual(["one"]);
  });
});

describe("an older copy in the place of the directory", () => {
  test.each(["older", "none"])("(%s) hides nothing that comes later from any reader", async (state) => {
    const writer = await open();
    await writer.append(LOG, ["kept"], soon());
    const copy = join(directory, "copy");
    await cp(evidence, copy, { recursive: true });
    const readers = [(await readOn(writer)).cursor];
    for (let batch = 0; batch < 4; batch++) {
      await writer.append(LOG, [`lost ${batch}`], soon());
      readers.push((await readOn(writer)).cursor);
    }
    await rm(evidence, { recursive: true });
    if (state === "older") await cp(copy, evidence, { recursive: true });
    const later: string[] = [];
    for (let batch = 0; batch < 8; batch++) {
      await writer.append(LOG, [`later ${batch}`], soon());
      later.push(`later ${batch}`);
    }
    for (const cursor of readers) {
      expect((await readOn(writer, cursor)).batches).toEqual(expect.arrayContaining(later));
    }
  });
});

describe("the bounds", () => {
  test("a long log has several files, of a megabyte each, and at most 64", async () => {
    const writer = await open();
    for (let append = 0; append < 40; append++) {
      await writer.append(LOG, [`append ${append}`, ...LONG.slice(1)], soon());
    }
    expect((await files()).length).toBe(3);
    for (const file of await files()) expect((await stat(file)).size).toBeLessThan(1.1 * MIB);
    const { batches } = await readOn(writer);
    expect(batches.filter((batch) => batch.startsWith("append")).length).toBe(40);
  });

  test("a log without room for a file more loses the oldest one", async () => {
    await (await open()).append(LOG, ["the first"], soon());
    const [first = ""] = await files();
    for (let index = 0; index < 64; index++) {
      const name = join(logDirectory(), `${String(index).padStart(8, "0")}.log`);
      await writeFile(name, "x".repeat(MIB + 1));
    }
    const aDayAgo = new Date(Date.now() - 86_400_000);
    await truncate(first, MIB + 1);
    await utimes(first, aDayAgo, aDayAgo);
    const writer = await open();
    await writer.append(LOG, ["the last"], soon());
    expect((await files()).length).toBe(64);
    expect(await files()).not.toContain(first);
    expect((await readOn(writer)).batches).toEqual(["the last"]);
  });

  test("processes that come and go share files when there are many", async () => {
    for (let process = 0; process < 70; process++) {
      await (await open()).append(LOG, [`process ${process}`], soon());
    }
    expect((await files()).length).toBe(64);
    expect((await readOn(await open())).batches.length).toBe(70);
  });

  test("logs go a week after their last batch, and nothing else does", async () => {
    const old = new Date(Date.now() - EVIDENCE_KEPT_MS - 60_000);
    const young = new Date(Date.now() - EVIDENCE_KEPT_MS + 60_000);
    const logs = { gone: old, kept: young, foreign: old };
    for (const [application, at] of Object.entries(logs)) {
      const log = { ...LOG, application };
      await (await open()).append(log, ["batch"], soon());
      const inner = join(evidence, directoryNameOf(log));
      if (application === "foreign") await writeFile(join(inner, "notes.txt"), "by hand");
      for (const name of await readdir(inner)) await utimes(join(inner, name), at, at);
      await utimes(inner, at, at);
    }
    await mkdir(join(evidence, "mine"));
    await utimes(join(evidence, "mine"), old, old);
    await (await open()).append(LOG, ["batch"], soon());
    const left = (await readdir(evidence)).map((name) => name.replace(/-.*/, ""));
    expect(left.toSorted()).toEqual(["foreign", "kept", "mine", "website"]);
    expect(await readdir(join(evidence, directoryNameOf({ ...LOG, application: "foreign" })))).toContain(
      "notes.txt",
    );
  });

  describe.skipIf(!hasSmallDisks())("on a small disk (skipped where it cannot be mounted)", () => {
    let mount: string;
    beforeEach(async () => {
      mount = join(directory, "mount");
      await mkdir(mount);
      expect(mountSmallDisk(mount)).toBeTrue();
    });
    afterEach(() => unmount(mount));

    test("evidence is refused, and a record is written", async () => {
      await writeFile(join(mount, "rollouts.json"), "{}");
      const writer = await open(join(mount, "rollouts.json"));
      const error = await fails(writer.append(LOG, ["batch"], soon()));
      expect(error).toMatchObject({ code: "refused" });
      expect(error.message).toContain(`the disk of ${mount} has less than 8 MiB left`);
      expect(await readdir(mount)).toEqual(["rollouts.json"]);
      const written = await stores[0]?.write?.("website", "canary", { rollout: 0 }, null, soon());
      expect(written).toMatchObject({ ok: true });
    });
  });
});

describe("the rights", () => {
  test("directories are as that of the rollouts, and files as the rollouts' file", async () => {
    await chmod(directory, 0o770);
    await chmod(path, 0o640);
    await (await open()).append(LOG, ["batch"], soon());
    const modeOf = async (at: string) => ((await stat(at)).mode & 0o7777).toString(8);
    expect([await modeOf(evidence), await modeOf(logDirectory())]).toEqual(["770", "770"]);
    expect(await modeOf(await onlyFile())).toBe("640");
  });

  test("if the path is a link, the evidence lies beside its target", async () => {
    const link = join(directory, "elsewhere", "link.json");
    await mkdir(join(directory, "elsewhere"));
    await symlink(path, link);
    await (await open(link)).append(LOG, ["batch"], soon());
    expect((await readOn(await open())).batches).toEqual(["batch"]);
    expect(await readdir(join(directory, "elsewhere"))).toEqual(["link.json"]);
  });

  test("a directory that is not there is told with the command that makes it", async () => {
    const none = await open(join(directory, "none", "rollouts.json"));
    const error = await fails(none.append(LOG, ["batch"], soon()));
    expect(error).toMatchObject({ code: "missing" });
    expect(error.message).toContain(`mkdir -p ${join(directory, "none")}`);
    expect((await readOn(none)).batches).toEqual([]);
  });

  test("a file in the place of the directory is malformed", async () => {
    await writeFile(evidence, "a text");
    const writer = await open();
    expect(await fails(writer.append(LOG, ["batch"], soon()))).toMatchObject({ code: "malformed" });
    expect(await fails(writer.read(LOG, undefined, soon()))).toMatchObject({ code: "malformed" });
  });

  describe.skipIf(!isRoot)("of another user (skipped without root)", () => {
    async function asNobody(): Promise<{ status: number; stdout: string; stderr: string }> {
      const child = Bun.spawn(
        [
          "setpriv",
          `--reuid=${NOBODY}`,
          "--clear-groups",
          process.execPath,
          WRITER,
          `file:${path}`,
          "n",
          "2",
        ],
        { stdout: "pipe", stderr: "pipe", env: { PATH: process.env["PATH"], USER: "nobody" } },
      );
      const [stdout, stderr] = [
        await new Response(child.stdout).text(),
        await new Response(child.stderr).text(),
      ];
      return { status: await child.exited, stdout, stderr };
    }

    test("one who may write beside the file may append, and root after it", async () => {
      await chmod(directory, 0o755);
      await chown(directory, NOBODY, NOBODY);
      expect(await asNobody()).toMatchObject({ status: 0, stdout: "read 2\n" });
      const root = await open();
      await root.append(LOG, ["of root"], soon());
      expect((await stat(evidence)).uid).toBe(NOBODY);
      expect(await asNobody()).toMatchObject({ status: 0, stdout: "read 5\n" });
    });

    test("one who may only read is denied, and the message says so", async () => {
      await chmod(directory, 0o755);
      await (await open()).append(LOG, ["of root"], soon());
      const { status, stderr } = await asNobody();
      expect(status).not.toBe(0);
      expect(stderr).toContain(`user "nobody" (${NOBODY}) may not use ${evidence}`);
    });

    test("with a directory that was made for it, a user may append who may not write rollouts", async () => {
      await chmod(directory, 0o755);
      await mkdir(evidence);
      await chown(evidence, NOBODY, NOBODY);
      expect(await asNobody()).toMatchObject({ status: 0, stdout: "read 2\n" });
    });
  });
});

test.each([
  ["", 0, []],
  ["\n", 0, []],
  ["\n\n\n", 0, []],
  ['\n["a"] 0123456789abcdef', 0, []],
  ['\n["a"] 0123456789abcdef\n', 24, ["a"]],
  ['\n["a"] 0123456789abcdef\n\n["b"] 01', 24, ["a"]],
  ["garbage\n\n", 8, []],
])("of the bytes %j, %i are whole lines", (text, length, batches) => {
  const lines = linesIn(Buffer.from(text));
  expect({ length: lines.length, batches: lines.batches }).toEqual({ length, batches });
  if (lines.nonce !== "") expect(text.slice(0, length)).toEndWith(endOf({ offset: 0, nonce: lines.nonce }));
});

test("parts of a cursor that are not valid are left out", () => {
  const cursor = "abcdefgh.12.0123456789abcdef abcdefg1.7. ../../x.1. abcdefgh.-1. abcdefg2.1e3. abcdefg3..";
  expect([...placesOf(cursor)]).toEqual([
    ["abcdefgh", { offset: 12, nonce: "0123456789abcdef" }],
    ["abcdefg1", { offset: 7, nonce: "" }],
  ]);
});
