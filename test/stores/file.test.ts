import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { renameSync, writeFileSync } from "node:fs";
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LOCK_STALE_MS } from "../../src/stores/file/lock.ts";
import { replaceFile } from "../../src/stores/file/replace.ts";
import { openStore } from "../../src/stores/list.ts";
import { DOCUMENT_BYTES_MAX } from "../../src/stores/shared/document.ts";
import type { RecordFields, Store, Written } from "../../src/stores/store.ts";
import { hasSmallDisks, mountSmallDisk, unmount } from "../support/disk.ts";
import { messageOf, reasonOf } from "../support/reason-of.ts";
import { fails, soon } from "../support/store-calls.ts";
import { rollouts, within } from "./store-suite.ts";

const NUDGE_WITHIN_MS = 1_500;
const isRoot = process.getuid?.() === 0;

let directory: string;
let path: string;
let store: Store;
const warnings: string[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "store-file-"));
  path = join(directory, "rollouts.json");
  warnings.length = 0;
  store = await openAt(path);
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

describe("reading", () => {
  test("a text `$schema` is for editors; an object of this name is an application", async () => {
    await writeFile(path, '{ "$schema": "rollouts.schema.json", "website": { "canary": 0.2 } }');
    expect(await store.applications?.(soon())).toEqual(["website"]);
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.2 });
    await writeFile(path, '{ "$schema": { "canary": 0.2 } }');
    expect(await store.applications?.(soon())).toEqual(["$schema"]);
  });

  test.each([
    ["cut off", '{\n  "website": { "canary": 0.2', /rollouts\.json:2:29: not JSON: expected , or }/],
    ["empty", "", /:1:1: not JSON: expected a value/],
    ["with a trailing comma", '{ "website": { "canary": 0.2, } }', /:1:31: .*expected a name in quotes/],
    ["with a bad number", '{\n\n "website": { "canary": 01 } }', /:3:25: /],
    ["with a comment", '{ // no\n "website": {} }', /:1:3: .*expected a name in quotes or }/],
    ["with two documents", "{}{}", /:1:3: .*expected the end/],
    ["a list", "[]", /must be one object; write it as/],
    ["a number", "0.25", /must be one object/],
    ["whose application is a number", '{ "website": 0.25 }', /"website" must be an object of versions/],
    ["whose application is null", '{ "website": null }', /"website" must be an object of versions/],
  ])("a file %s is malformed, and the message names the place and the remedy", async (_, text, message) => {
    await writeFile(path, text);
    const error = await fails(store.read("website", soon()));
    expect(error.code).toBe("malformed");
    expect(error.message).toMatch(message);
    expect(error.message).toContain(path);
  });

  test("a file that is not UTF-8 is malformed", async () => {
    await writeFile(path, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]));
    expect(await fails(store.read("website", soon()))).toMatchObject({ code: "malformed" });
  });

  test("a byte order mark does not belong to the text", async () => {
    await writeFile(path, '\ufeff{ "website": { "canary": 0.25 } }');
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
  });

  test("the message for a missing file is a command that creates one", async () => {
    const awkward = join(directory, "it's new", "roll outs.json");
    const other = await openAt(awkward);
    const error = await fails(other.read("web'site", soon()));
    expect(error.code).toBe("missing");
    expect(error.message).toContain(
      "roll outs.json. If a daemon has used it, restore it: a new file ends maintenance and all rollouts. " +
        "Only if the store is new, make it: mkdir",
    );
    const command = error.message.slice(error.message.indexOf("mkdir"));
    expect(await Bun.spawn(["sh", "-c", command]).exited).toBe(0);
    expect(rollouts(await other.read("web'site", soon()))).toEqual({});
    await other.close();
  });

  test("a directory, a pipe and a device are refused without waiting for them", async () => {
    const pipe = join(directory, "pipe");
    expect(await Bun.spawn(["mkfifo", pipe]).exited).toBe(0);
    for (const wrong of [directory, pipe, "/dev/full"]) {
      const other = await openAt(wrong);
      const error = await fails(within(NUDGE_WITHIN_MS, other.read("website", soon())));
      expect(error).toMatchObject({ name: "StoreError", code: "malformed" });
      expect(error.message).toContain("is not a regular file");
      await other.close();
    }
  });

  test("a file that is too large is refused, and one that just fits is read", async () => {
    const text = '{ "website": { "canary": 0.25 } }';
    await writeFile(path, text.padEnd(DOCUMENT_BYTES_MAX));
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    await writeFile(path, text.padEnd(DOCUMENT_BYTES_MAX + 1));
    const error = await fails(store.read("website", soon()));
    expect(error).toMatchObject({ code: "malformed" });
    expect(error.message).toContain(`larger than ${DOCUMENT_BYTES_MAX} bytes`);
  });

  test("nesting without end is malformed and ends nothing", async () => {
    for (const depth of [33, 50_000, DOCUMENT_BYTES_MAX / 2 - 100]) {
      const deep = `${"[".repeat(depth)}${"]".repeat(depth)}`;
      await writeFile(path, `{ "website": { "canary": ${deep} } }`);
      expect(await fails(store.read("website", soon()))).toMatchObject({ code: "malformed" });
    }
  });

  test("the address is the absolute path", () => {
    expect(store.address).toBe(`file:${path}`);
  });
});

describe("watching", () => {
  /** Resolves at the next nudge after all earlier ones; `change` makes it. */
  async function nudged(watched: Store, change: () => Promise<unknown>): Promise<void> {
    let wake: () => void = () => {};
    let count = 0;
    const unwatch = watched.watch?.("website", () => {
      count++;
      wake();
    });
    for (let seen = -1; seen !== count; await Bun.sleep(100)) seen = count;
    const next = new Promise<void>((resolve) => {
      wake = resolve;
    });
    await change();
    await within(NUDGE_WITHIN_MS, next);
    unwatch?.();
  }

  async function reads(watched: Store, rollout: number): Promise<void> {
    expect(rollouts(await watched.read("website", soon()))).toEqual({ canary: rollout });
  }

  test("an editor that renames a new file over the old one is noticed", async () => {
    await writeFile(path, text(0.1));
    await nudged(store, async () => {
      await writeFile(`${path}~`, text(0.2));
      await rename(`${path}~`, path);
    });
    await reads(store, 0.2);
  });

  test("an editor that moves the old file away and writes a new one is noticed", async () => {
    await writeFile(path, text(0.1));
    await nudged(store, async () => {
      await rename(path, `${path}.bak`);
      await writeFile(path, text(0.2));
    });
    await reads(store, 0.2);
  });

  test("a deleted file and one that comes back are noticed", async () => {
    await writeFile(path, text(0.1));
    await nudged(store, () => rm(path));
    await nudged(store, () => writeFile(path, text(0.2)));
    await reads(store, 0.2);
  });

  test("a swap of Kubernetes' ..data link is noticed", async () => {
    for (const [name, rollout] of [
      ["..1", 0.1],
      ["..2", 0.2],
    ] as const) {
      await mkdir(join(directory, name));
      await writeFile(join(directory, name, "rollouts.json"), text(rollout));
    }
    await symlink("..1", join(directory, "..data"));
    await symlink("..data/rollouts.json", path);
    await reads(store, 0.1);
    await nudged(store, async () => {
      await symlink("..2", join(directory, "..data_tmp"));
      await rename(join(directory, "..data_tmp"), join(directory, "..data"));
    });
    await reads(store, 0.2);
  });

  test("a swap of a release's link above the file's own directory is noticed", async () => {
    for (const [name, rollout] of [
      ["one", 0.1],
      ["two", 0.2],
    ] as const) {
      await mkdir(join(directory, "releases", name, "config"), { recursive: true });
      await writeFile(join(directory, "releases", name, "config", "rollouts.json"), text(rollout));
    }
    const current = join(directory, "current");
    await symlink(join(directory, "releases", "one"), current);
    const released = await openAt(join(current, "config", "rollouts.json"));
    await nudged(released, async () => {
      await symlink("releases/two", `${current}.new`);
      await rename(`${current}.new`, current);
    });
    await reads(released, 0.2);
    await nudged(released, () => writeFile(join(directory, "releases/two/config/rollouts.json"), text(0.3)));
    await reads(released, 0.3);
    await released.close();
  });

  test("a directory that vanishes is survived, and watched again when it is back", async () => {
    const inner = join(directory, "inner");
    await mkdir(inner);
    const file = join(inner, "rollouts.json");
    await writeFile(file, text(0.1));
    const watched = await openAt(file);
    let count = 0;
    let wake: () => void = () => {};
    watched.watch?.("website", () => {
      count++;
      wake();
    });
    const next = () =>
      within(
        NUDGE_WITHIN_MS,
        new Promise<void>((resolve) => {
          wake = resolve;
        }),
      );
    for (let seen = -1; seen !== count; await Bun.sleep(100)) seen = count;
    let nudge = next();
    await rm(inner, { recursive: true });
    await nudge;
    expect(await fails(watched.read("website", soon()))).toMatchObject({ code: "missing" });

    await mkdir(inner);
    await writeFile(file, text(0.2));
    // The poll finds it, and with it the watch is back.
    nudge = next();
    await reads(watched, 0.2);
    await nudge;
    nudge = next();
    await writeFile(file, text(0.3));
    await nudge;
    await reads(watched, 0.3);
    await watched.close();
    expect(warnings).toEqual([]);
  });

  test("a directory that is moved away is noticed", async () => {
    const inner = join(directory, "inner");
    await mkdir(inner);
    await writeFile(join(inner, "rollouts.json"), text(0.1));
    const watched = await openAt(join(inner, "rollouts.json"));
    await nudged(watched, () => rename(inner, `${inner}.old`));
    await watched.close();
  });

  test("a directory that is replaced at once is noticed, and so are changes in the new one", async () => {
    for (const [name, rollout] of [
      ["inner", 0.1],
      ["next", 0.2],
    ] as const) {
      await mkdir(join(directory, name));
      await writeFile(join(directory, name, "rollouts.json"), text(rollout));
    }
    const inner = join(directory, "inner");
    const watched = await openAt(join(inner, "rollouts.json"));
    // A second watch keeps the first directory's own alive in between.
    watched.watch?.("website", () => {});
    await nudged(watched, async () => {
      renameSync(inner, `${inner}.old`);
      renameSync(join(directory, "next"), inner);
    });
    await reads(watched, 0.2);
    await nudged(watched, () => writeFile(join(inner, "rollouts.json"), text(0.3)));
    await reads(watched, 0.3);
    await watched.close();
  });

  test("every watch is nudged once when it stands, for what changed before", async () => {
    await writeFile(path, text(0.1));
    for (let watches = 0; watches < 3; watches++) {
      await within(
        NUDGE_WITHIN_MS,
        new Promise<void>((resolve) => {
          store.watch?.("website", resolve);
        }),
      );
    }
  });

  test("reading, and other files in the directory, nudge no listener", async () => {
    await writeFile(path, text(0.1));
    let count = 0;
    store.watch?.("website", () => count++);
    for (let seen = -1; seen !== count; await Bun.sleep(100)) seen = count;
    const before = count;
    for (let i = 0; i < 20; i++) await writeFile(join(directory, `other-${i}`), "x");
    for (let i = 0; i < 5; i++) await reads(store, 0.1);
    await Bun.sleep(150);
    expect(count).toBe(before);
  });

  test("two stores of one file watch without each other", async () => {
    await writeFile(path, text(0.1));
    const other = await openAt(path);
    other.watch?.("website", () => {});
    await nudged(store, () => other.close().then(() => writeFile(path, text(0.2))));
  });
});

describe("writing", () => {
  test("a write after which the file could not be read any longer is refused", async () => {
    const many = Array.from({ length: 20_000 }, (_, n) => [`a${n}`, { b: 0, note: "x".repeat(170) }]);
    const text = JSON.stringify(Object.fromEntries(many));
    const before = text.padEnd(DOCUMENT_BYTES_MAX - 10);
    expect(before.length).toBe(DOCUMENT_BYTES_MAX - 10);
    await writeFile(path, before);
    const error = await fails(write("website", "canary", { rollout: 0.1 }, null));
    expect(error).toMatchObject({ name: "StoreError", code: "refused" });
    expect(error.message).toContain(`would be larger than ${DOCUMENT_BYTES_MAX} bytes`);
    expect(await readFile(path, "utf8")).toBe(before);
  });

  test("a write after which the application could not be read any longer is refused", async () => {
    const versions = Array.from({ length: 8_192 }, (_, n) => [`v${n}`, { rollout: 0 }]);
    const before = JSON.stringify({ website: Object.fromEntries(versions) });
    await writeFile(path, before);
    const error = await fails(write("website", "canary", { rollout: 0.1 }, null));
    expect(error).toMatchObject({ name: "StoreError", code: "refused" });
    expect(error.message).toContain("website would be too long");
    expect(await readFile(path, "utf8")).toBe(before);
  });

  test("a record that is nested too deeply to be read is refused before it is written", async () => {
    let deep: unknown = 1;
    for (let level = 0; level < 40; level++) deep = { deep };
    const error = await fails(write("website", "canary", { rollout: 0.1, deep }, null));
    expect(error).toMatchObject({ name: "StoreError", code: "refused" });
    expect(await readdir(directory)).toEqual([]);
  });

  test("a file that does not exist is made, with bare numbers", async () => {
    won(await write("website", "canary", { rollout: 0.25 }, null));
    expect(await readFile(path, "utf8")).toBe('{\n  "website": {\n    "canary": 0.25\n  }\n}\n');
    expect(((await stat(path)).mode & 0o777).toString(8)).toBe("644");
  });

  test("everything else in the file stays, in its order", async () => {
    const before = {
      $comment: ["kept", { by: null }],
      website: { maintenance: 0, canary: { note: "x", rollout: 0.1, offset: 0.5 }, blue: 0.5 },
      shop: { canary: { rollout: "broken" } },
    };
    await writeFile(path, JSON.stringify(before));
    const revision = await revisionOf("website", "canary");
    won(await write("website", "canary", { rollout: 0.2 }, revision));
    const after = await readFile(path, "utf8");
    expect(after).toBe(`${JSON.stringify(before, null, 2).replace('"rollout": 0.1', '"rollout": 0.2')}\n`);
  });

  test("of a long file, a write changes its own application, and leaves all other bytes", async () => {
    const others = (name: string) =>
      Array.from({ length: 2_000 }, (_, index) => `"${name}${index}":{ "canary":0.5 }`).join(", ");
    const [before, after] = [others("a"), others("b")];
    await writeFile(path, `{ ${before}, "website": {"canary":0.1}, ${after} }`);
    const whole = (canary: string) => `{ ${before}, "website": {\n    "canary": ${canary}\n  }, ${after} }`;
    const first = won(
      await write("website", "canary", { rollout: 0.2 }, await revisionOf("website", "canary")),
    );
    expect(await readFile(path, "utf8")).toBe(whole("0.2"));
    const second = won(await write("website", "canary", { rollout: 0.3 }, first));
    expect(await readFile(path, "utf8")).toBe(whole("0.3"));
    won(await write("new", "canary", { rollout: 0.4 }, null));
    expect(rollouts(await store.read("new", soon()))).toEqual({ canary: 0.4 });
    expect(await store.remove?.("website", "canary", second, soon())).toEqual({ ok: true });
    expect(await readFile(path, "utf8")).toBe(`{ ${before}, ${after},\n  "new": {\n    "canary": 0.4\n  } }`);
  });

  test("a long file with a fault anywhere is refused and not overwritten", async () => {
    const others = Array.from({ length: 2_000 }, (_, index) => `"a${index}":{ "canary":0.5 }`).join(", ");
    for (const fault of ["", "{", '{ "canary": 0.5 ', "[1,]"]) {
      const text = `{ ${others}, "website": {}, "b": ${fault} }`;
      await writeFile(path, text);
      const error = await fails(write("website", "canary", { rollout: 1 }, null));
      expect(error).toMatchObject({ code: "malformed" });
      expect(await readFile(path, "utf8")).toBe(text);
    }
  });

  test("a bare number stays one until there is more to say", async () => {
    await writeFile(path, text(0.1));
    const next = won(
      await write("website", "canary", { rollout: 0.2 }, await revisionOf("website", "canary")),
    );
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual({ website: { canary: 0.2 } });
    const last = won(await write("website", "canary", { rollout: 0.3, failsafe: "hold" }, next));
    won(await write("website", "canary", { rollout: 0.4 }, last));
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual({
      website: { canary: { rollout: 0.4, failsafe: "hold" } },
    });
  });

  test("a malformed file is refused and not overwritten", async () => {
    await writeFile(path, '{ "website": ');
    expect(await fails(write("website", "canary", { rollout: 1 }, null))).toMatchObject({
      code: "malformed",
    });
    expect(await readFile(path, "utf8")).toBe('{ "website": ');
    expect(await readdir(directory)).toEqual(["rollouts.json"]);
  });

  test("a link's target is replaced and not the link, also where the target is not there yet", async () => {
    await mkdir(join(directory, "real"));
    await symlink("real/rollouts.json", path);
    const first = won(await write("website", "canary", { rollout: 0.1 }, null));
    won(await write("website", "canary", { rollout: 0.2 }, first));
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
    expect(await readFile(join(directory, "real/rollouts.json"), "utf8")).toContain("0.2");
    expect(await readdir(join(directory, "real"))).toEqual(["rollouts.json"]);
  });

  test("the file keeps its mode", async () => {
    await writeFile(path, text(0.1));
    await chmod(path, 0o640);
    won(await write("website", "canary", { rollout: 0.2 }, await revisionOf("website", "canary")));
    expect(((await stat(path)).mode & 0o777).toString(8)).toBe("640");
  });

  test.skipIf(!isRoot)("the file keeps its owner (skipped without root)", async () => {
    await writeFile(path, text(0.1));
    await chown(path, 65534, 65534);
    won(await write("website", "canary", { rollout: 0.2 }, await revisionOf("website", "canary")));
    expect(await stat(path)).toMatchObject({ uid: 65534, gid: 65534 });
  });

  test("writers in several processes lose nothing of each other", async () => {
    const times = 25;
    await writeFile(path, "{}");
    const writer = join(import.meta.dir, "../support/store-writer.ts");
    const children = [1, 2, 3].map(() =>
      Bun.spawn([process.execPath, writer, `file:${path}`, String(times)], { stderr: "inherit" }),
    );
    expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0]);
    const snapshot = await store.read("website", soon());
    expect(snapshot.get("canary")?.value).toEqual({ rollout: 0.5, count: 3 * times });
    expect(await readdir(directory)).toEqual(["rollouts.json"]);
  }, 20_000);

  test("a lock whose owner died is broken, also by several at once", async () => {
    await writeFile(`${path}.lock`, "1 gone\n");
    const old = (Date.now() - LOCK_STALE_MS - 1_000) / 1_000;
    await utimes(`${path}.lock`, old, old);
    const outcomes = await Promise.all(
      [1, 2, 3, 4].map((n) => write("website", `v${n}`, { rollout: 0.1 }, null)),
    );
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    expect(Object.keys(rollouts(await store.read("website", soon()))).sort()).toEqual([
      "v1",
      "v2",
      "v3",
      "v4",
    ]);
    expect(await readdir(directory)).toEqual(["rollouts.json"]);
  });

  test("a lock that is held is waited for, as long as the signal lasts", async () => {
    await writeFile(`${path}.lock`, "1 busy\n");
    const error = await fails(
      store.write?.("website", "canary", { rollout: 1 }, null, AbortSignal.timeout(100)),
    );
    expect(error).toMatchObject({ code: "unavailable" });
    const written = write("website", "canary", { rollout: 1 }, null);
    await rm(`${path}.lock`);
    won(await written);
  });

  /** A signal that does something the second time it is looked at: last before the file is replaced. */
  function meanwhile(change: () => void): AbortSignal {
    let looks = 0;
    return Object.defineProperty(AbortSignal.timeout(15_000), "aborted", {
      get() {
        if (++looks === 2) change();
        return false;
      },
    });
  }

  test("a file that another program edits during the write is not overwritten", async () => {
    await writeFile(path, text(0.1));
    const revision = await revisionOf("website", "canary");
    const edit = meanwhile(() => writeFileSync(path, text(0.9)));
    const error = await fails(store.write?.("website", "canary", { rollout: 0.2 }, revision, edit));
    expect(error).toMatchObject({ code: "unavailable" });
    expect(error.message).toContain("is being changed by another program; try again");
    expect(await readFile(path, "utf8")).toBe(text(0.9));
    expect(await readdir(directory)).toEqual(["rollouts.json"]);
  });

  test("a writer whose lock was broken does not write, and leaves the other's lock", async () => {
    await writeFile(path, text(0.1));
    const revision = await revisionOf("website", "canary");
    const theft = meanwhile(() => writeFileSync(`${path}.lock`, "1 another\n"));
    const error = await fails(store.write?.("website", "canary", { rollout: 0.2 }, revision, theft));
    expect(error.message).toContain("was broken by another writer; try again");
    expect(await readFile(path, "utf8")).toBe(text(0.1));
    expect(await readFile(`${path}.lock`, "utf8")).toBe("1 another\n");
  });

  test("a replacement that is not confirmed leaves the file, and nothing beside it", async () => {
    await writeFile(path, text(0.1));
    const refusal = new Error("another program changed it");
    expect(await reasonOf(replaceFile(path, text(0.2), () => Promise.reject(refusal)))).toBe(refusal);
    expect(await readFile(path, "utf8")).toBe(text(0.1));
    expect(await readdir(directory)).toEqual(["rollouts.json"]);
  });

  test("a directory that is not there is told with the command that makes it", async () => {
    const other = await openAt(join(directory, "none", "rollouts.json"));
    const error = await fails(other.write?.("website", "canary", { rollout: 1 }, null, soon()));
    expect(error).toMatchObject({ code: "missing" });
    expect(error.message).toContain(`mkdir -p ${join(directory, "none")}`);
    await other.close();
  });

  describe.skipIf(!hasSmallDisks())(
    "on a file system of its own (skipped where it cannot be mounted)",
    () => {
      let mount: string;

      beforeEach(async () => {
        mount = join(directory, "mount");
        await mkdir(mount);
        expect(mountSmallDisk(mount)).toBeTrue();
      });

      afterEach(() => unmount(mount));

      test("a full disk leaves the file as it was, and says so", async () => {
        const file = join(mount, "rollouts.json");
        await writeFile(file, text(0.1));
        await writeFile(join(mount, "filler"), Buffer.alloc(64 * 1024)).catch(() => {});
        const other = await openAt(file);
        const revision = (await other.read("website", soon())).get("canary")?.revision ?? "";
        const error = await fails(other.write?.("website", "canary", { rollout: 1 }, revision, soon()));
        expect(error).toMatchObject({ code: "unavailable" });
        expect(error.message).toContain("full (ENOSPC); make room");
        expect(await readFile(file, "utf8")).toBe(text(0.1));
        expect((await readdir(mount)).sort()).toEqual(["filler", "rollouts.json"]);
        await other.close();
      });

      test("a read-only directory is told with the remedy", async () => {
        const file = join(mount, "rollouts.json");
        await writeFile(file, text(0.1));
        await run("mount", "-o", "remount,ro", mount);
        const other = await openAt(file);
        const error = await fails(other.write?.("website", "blue", { rollout: 1 }, null, soon()));
        expect(error).toMatchObject({ code: "denied" });
        expect(error.message).toContain(`${mount} is mounted read-only; change the file at its source`);
        await other.close();
      });
    },
  );

  test.skipIf(!isRoot)(
    "a user without the right to write gets that error (skipped without root)",
    async () => {
      await writeFile(path, text(0.1));
      await chmod(directory, 0o755);
      const writer = join(import.meta.dir, "../support/store-writer.ts");
      const child = Bun.spawn(
        ["setpriv", "--reuid=65534", "--clear-groups", process.execPath, writer, `file:${path}`],
        {
          stderr: "pipe",
          env: { PATH: process.env["PATH"], USER: "nobody" },
        },
      );
      const [stderr, status] = [await new Response(child.stderr).text(), await child.exited];
      expect(status).not.toBe(0);
      expect(stderr).toContain(`user "nobody" (65534) may not write in ${directory}`);
    },
  );
});

test.each(["", "/", "dir/", "a\0b"])("the path %j is refused with an example", async (location) => {
  expect(await messageOf(openAt(location))).toContain("as in file:/etc/maxwells-daemon/rollouts.json");
});

function openAt(where: string): Promise<Store> {
  return openStore(`file:${where}`, {
    table: "",
    region: "",
    environment: {},
    warn: (message) => warnings.push(message),
  });
}

function write(
  application: string,
  version: string,
  fields: RecordFields,
  expected: string | null,
): Promise<Written> {
  if (store.write === undefined) throw new Error("a file can be written");
  return store.write(application, version, fields, expected, AbortSignal.timeout(15_000));
}

async function revisionOf(application: string, version: string): Promise<string> {
  return (await store.read(application, soon())).get(version)?.revision ?? "";
}

function won(written: Written): string {
  expect(written.ok).toBe(true);
  return written.ok ? written.revision : "";
}

function text(rollout: number): string {
  return JSON.stringify({ website: { canary: rollout } });
}

async function run(...command: string[]): Promise<void> {
  const child = Bun.spawn(command, { stderr: "inherit" });
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed`);
}
