/** The lock of the file store in bad moments: writers that are killed or stopped, clocks that were set. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LOCK_STALE_MS } from "../../../src/stores/file/lock.ts";
import { openStore } from "../../../src/stores/list.ts";
import type { Store, StoreError } from "../../../src/stores/store.ts";
import { eventually } from "../../support/eventually.ts";
import { Random } from "../../support/random.ts";

const HOLDER = join(import.meta.dir, "../../support/file-lock-holder.ts");
const WRITER = join(import.meta.dir, "../../support/store-writer.ts");

/** A command gives up then. */
const COMMAND_MS = 10_000;

let directory: string;
let path: string;
let lock: string;
let store: Store;
let warnings: string[];
let children: Bun.Subprocess[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "file-lock-"));
  path = join(directory, "rollouts.json");
  lock = `${path}.lock`;
  warnings = [];
  children = [];
  await writeFile(path, '{ "website": { "canary": 0.1 } }\n');
  const context = {
    table: "",
    region: "",
    environment: {},
    warn: (message: string) => warnings.push(message),
  };
  store = await openStore(`file:${path}`, context);
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(children.map((child) => child.exited));
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

function spawn(script: string, ...args: string[]) {
  const child = Bun.spawn([process.execPath, script, ...args], { stdout: "pipe", stderr: "inherit" });
  children.push(child);
  return child;
}

/** A process that holds the lock. */
async function hold() {
  const child = spawn(HOLDER, path, "hold");
  await child.stdout.getReader().read();
  return child;
}

const rolloutOf = (text: string) => (JSON.parse(text) as { website: { canary: number } }).website.canary;

/** Writes; resolves with how long that took, or the error. */
async function write(
  signal = AbortSignal.timeout(COMMAND_MS),
): Promise<{ tookMs: number; error?: StoreError }> {
  const beganAtMs = performance.now();
  try {
    const current = (await store.read("website", signal)).get("canary");
    const written = await store.write?.(
      "website",
      "canary",
      { rollout: 0.2 },
      current?.revision ?? null,
      signal,
    );
    expect(written).toMatchObject({ ok: true });
    return { tookMs: performance.now() - beganAtMs };
  } catch (error) {
    return { tookMs: performance.now() - beganAtMs, error: error as StoreError };
  }
}

describe("the owner of a lock", () => {
  test("that was killed costs the next writer nothing, if it ran on this machine", async () => {
    const holder = await hold();
    holder.kill("SIGKILL");
    await holder.exited;
    const { tookMs, error } = await write();
    expect(error).toBeUndefined();
    expect(tookMs).toBeLessThan(LOCK_STALE_MS / 5);
    expect(warnings).toEqual([]);
    expect(await readdir(directory)).toEqual(["rollouts.json"]);
  });

  test("that lives is waited for, and the operator sees its owner", async () => {
    const holder = await hold();
    const written = write();
    await eventually(() => warnings.length > 0, "a word of it");
    expect(warnings).toEqual([
      expect.stringContaining(`waiting for ${lock}, the lock of process ${holder.pid}`),
    ]);
    expect((await readFile(lock, "utf8")).startsWith(`${holder.pid} `)).toBe(true);
    holder.kill("SIGKILL");
    await holder.exited;
    expect((await written).error).toBeUndefined();
  });

  test.each([
    ["on another machine, or before a restart", () => `${"0".repeat(8)}-boot/pid:[4026531836]`],
    [
      "in another container",
      () => `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/pid:[1]`,
    ],
  ])("%s may live, whatever its number means here", async (_, home) => {
    const child = spawn(WRITER, `file:${path}`, "0");
    await child.exited;
    await writeFile(lock, `${child.pid} token ${home()}\n`);
    const { error } = await write(AbortSignal.timeout(LOCK_STALE_MS / 5));
    expect(error).toMatchObject({ name: "StoreError", code: "unavailable" });
    expect(error?.message).toContain(
      `is held by process ${child.pid}; if that process no longer runs, remove`,
    );
  });

  test.each([
    ["an hour ago, by a clock that was set forward", -3_600],
    ["in an hour, by a clock that was set back", 3_600],
  ])(
    "whose loss no process tells %s: it is broken before a command gives up",
    async (_, seconds) => {
      await writeFile(lock, "1 gone\n");
      const at = Date.now() / 1_000 + seconds;
      await utimes(lock, at, at);
      const { tookMs, error } = await write();
      expect(error).toBeUndefined();
      expect(tookMs).toBeLessThan(seconds < 0 ? LOCK_STALE_MS / 5 : LOCK_STALE_MS + 1_000);
    },
    15_000,
  );

  test("that changes all the time is named before a command gives up", async () => {
    await writeFile(lock, "77 busy\n");
    const timer = setInterval(() => void writeFile(lock, "77 busy\n"), 300);
    const { tookMs, error } = await write();
    clearInterval(timer);
    expect(error?.message).toContain(
      "is held by process 77; if that process no longer runs, remove the lock",
    );
    expect(tookMs).toBeLessThan(COMMAND_MS - 1_000);
  }, 15_000);
});

test("a writer that was stopped before its rename, and whose lock was broken, overwrites nothing", async () => {
  const stopped = spawn(HOLDER, path, "write");
  const state = () => readFileSync(`/proc/${stopped.pid}/stat`, "utf8").split(") ")[1]?.[0];
  await eventually(() => state() === "T", "it has stopped itself");
  expect((await readdir(directory)).filter((name) => name.endsWith(".tmp"))).toHaveLength(1);

  // It lives, so its lock is broken by age alone.
  const long = Date.now() / 1_000 - LOCK_STALE_MS / 1_000 - 1;
  await utimes(lock, long, long);
  const { error } = await write();
  expect(error).toBeUndefined();

  stopped.kill("SIGCONT");
  expect(await new Response(stopped.stdout).text()).toContain("another one took its lock; try again");
  expect(rolloutOf(await readFile(path, "utf8"))).toBe(0.2);
  expect(await readdir(directory)).toEqual(["rollouts.json"]);
}, 15_000);

test("writers that are killed at any moment cost other writers nothing, and leave nothing", async () => {
  const random = new Random();
  let slowestMs = 0;
  for (let kill = 0; kill < 25; kill++) {
    const writer = spawn(WRITER, `file:${path}`, "100000");
    const before = await readFile(path, "utf8");
    await eventually(async () => (await readFile(path, "utf8")) !== before, "its first write");
    await Bun.sleep(random.whole(0, 8));
    writer.kill("SIGKILL");
    await writer.exited;
    // A whole text, at every moment.
    JSON.parse(await readFile(path, "utf8"));
    const { tookMs, error } = await write();
    expect(error).toBeUndefined();
    slowestMs = Math.max(slowestMs, tookMs);
    expect(await readdir(directory)).toEqual(["rollouts.json"]);
  }
  // One that was killed between making its lock and writing its number into it is waited for.
  expect(slowestMs).toBeLessThan(LOCK_STALE_MS + 1_000);
}, 60_000);

test("what dead writers left is swept away, and nothing else", async () => {
  const id = crypto.randomUUID();
  const mine = [`.rollouts.json.${id}.tmp`, `rollouts.json.lock.${id}`];
  const others = [
    ...[".rollouts.json.swp", ".rollouts.json.mine.tmp", `.other.json.${id}.tmp`, `rollouts.json.${id}`],
    ...[`rollouts.json.lock.${crypto.randomUUID()}`, "rollouts.json.lock.old"],
  ];
  for (const name of [...mine, ...others]) await writeFile(join(directory, name), "{}");
  const old = Date.now() / 1_000 - 120;
  await utimes(join(directory, mine[1] as string), old, old);
  expect((await write()).error).toBeUndefined();
  expect((await readdir(directory)).sort()).toEqual([...others, "rollouts.json"].sort());
});
