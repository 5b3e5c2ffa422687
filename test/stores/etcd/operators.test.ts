/** Operators at an etcd: they edit by hand, give rights, take them, compact. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { tryWrite } from "../../../src/verbs/write-trial.ts";
import { type Etcd, etcdMissing, openEtcd, startEtcd } from "../../support/etcd.ts";
import { eventually } from "../../support/eventually.ts";
import { reasonOf } from "../../support/reason-of.ts";
import { rollouts, within } from "../store-suite.ts";

const missing = etcdMissing();
const soon = () => AbortSignal.timeout(10_000);

/** As long as a nudge may take on a busy machine. */
const NUDGE_MS = 5_000;

describe.skipIf(missing !== undefined)("an etcd without users", () => {
  let engine: Etcd;
  beforeAll(async () => {
    engine = await startEtcd();
  }, 30_000);
  afterAll(() => engine?.stop());
  const address = () => `etcd://127.0.0.1:${engine.port}/`;

  test("a number that etcdctl puts counts, and is pushed", async () => {
    const store = await openEtcd(address());
    const nudges: (() => void)[] = [];
    let count = 0;
    store.watch?.("website", () => {
      count++;
      nudges.pop()?.();
    });
    await eventually(async () => count > 0, "the watch stands");
    const nudged = new Promise<void>((resolve) => nudges.push(resolve));
    await engine.ctl("put", "/maxwells-daemon/website/canary", "0.25");
    await within(NUDGE_MS, nudged);
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    await store.close();
  });

  test("a bare number stays one when it is set", async () => {
    await engine.ctl("put", "/maxwells-daemon/bare/canary", "0.25");
    const store = await openEtcd(address());
    const revision = (await store.read("bare", soon())).get("canary")?.revision ?? "";
    await store.write?.("bare", "canary", { rollout: 0.5 }, revision, soon());
    expect(await engine.ctl("get", "--print-value-only", "/maxwells-daemon/bare/canary")).toBe("0.5");
    await store.close();
  });

  test("a value that is not JSON spoils its own record only", async () => {
    await engine.put({
      "/maxwells-daemon/typo/canary": "0,25",
      "/maxwells-daemon/typo/blue": '{"rollout": 0.1}',
    });
    const store = await openEtcd(address());
    expect(rollouts(await store.read("typo", soon()))).toEqual({ canary: "0,25", blue: 0.1 });
    await store.close();
  });

  test("names that look like another's do not mix", async () => {
    const store = await openEtcd(address());
    for (const [name, rollout] of [
      ["a", 0.1],
      ["a/b", 0.2],
      ["a%2Fb", 0.3],
      ["a0", 0.4],
    ] as const) {
      await store.write?.(name, "canary", { rollout }, null, soon());
    }
    expect(rollouts(await store.read("a", soon()))).toEqual({ canary: 0.1 });
    expect(rollouts(await store.read("a/b", soon()))).toEqual({ canary: 0.2 });
    expect(rollouts(await store.read("a%2Fb", soon()))).toEqual({ canary: 0.3 });
    expect(await store.applications?.(soon())).toEqual(expect.arrayContaining(["a", "a/b", "a%2Fb", "a0"]));
    await store.close();
  });

  test("a prefix is another world", async () => {
    await engine.ctl("put", "/teams/a/website/canary", "0.75");
    const store = await openEtcd(`etcd://127.0.0.1:${engine.port}/teams/a`);
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.75 });
    expect(await store.applications?.(soon())).toEqual(["website"]);
    await store.close();
  });

  test("history shows removed records, and those that were there before", async () => {
    await engine.ctl("put", "/maxwells-daemon/past/blue", "0.1");
    await engine.ctl("put", "/maxwells-daemon/past/canary", "0.2");
    await engine.ctl("put", "/elsewhere", "x");
    await engine.ctl("del", "/maxwells-daemon/past/blue");
    const written = { rollout: 0.3, updatedBy: "ada", updatedAt: "2026-01-02T03:04:05.000Z", why: "more" };
    await engine.ctl("put", "/maxwells-daemon/past/canary", JSON.stringify(written));
    const store = await openEtcd(address());
    const past = (await store.history?.("past", 10, soon())) ?? [];
    expect(past).toEqual([
      { version: "canary", value: written },
      { version: "blue", value: undefined },
      { version: "canary", value: 0.2 },
      { version: "blue", value: 0.1 },
    ]);
    expect(await store.history?.("past", 2, soon())).toEqual(past.slice(0, 2));
    await store.close();
  });

  test("history ends quietly where etcd has forgotten, with all that is there now", async () => {
    for (const rollout of ["0.1", "0.2", "0.3"]) {
      await engine.ctl("put", "/maxwells-daemon/forgotten/canary", rollout);
      await engine.ctl("put", "/maxwells-daemon/forgotten/blue", rollout);
    }
    const revision = await engine
      .ctl("put", "/maxwells-daemon/forgotten/canary", "0.4")
      .then(() => head(engine));
    await engine.ctl("put", "/maxwells-daemon/forgotten/canary", "0.5");
    await engine.ctl("compact", String(revision));
    const store = await openEtcd(address());
    const past = await store.history?.("forgotten", 100, soon());
    expect(past?.map(({ version, value }) => [version, value])).toEqual([
      ["canary", 0.5],
      ["canary", 0.4],
      ["blue", 0.3],
    ]);
    await store.close();
  });

  test("a compaction during a watch loses no change", async () => {
    await engine.ctl("put", "/maxwells-daemon/compacted/canary", "0.1");
    const store = await openEtcd(address());
    let count = 0;
    store.watch?.("compacted", () => count++);
    await eventually(async () => count > 0, "the watch stands");
    for (const rollout of ["0.2", "0.3", "0.4"]) await engine.ctl("put", "/elsewhere", rollout);
    await engine.ctl("compact", "--physical", String(await head(engine)));
    const before = count;
    await engine.ctl("put", "/maxwells-daemon/compacted/canary", "0.5");
    await eventually(async () => count > before, "a nudge after the compaction");
    expect(rollouts(await store.read("compacted", soon()))).toEqual({ canary: 0.5 });
    await store.close();
  });
});

describe.skipIf(missing !== undefined)("an etcd with users, and the rights of docs/stores/etcd.md", () => {
  const ROOT = ["--user", "root:root-secret"];
  let engine: Etcd;
  beforeAll(async () => {
    engine = await startEtcd({ login: ROOT });
    const as = (...args: string[]) => engine.ctlAs([], ...args);
    await as("put", "/maxwells-daemon/website/canary", "0.25");
    await as("role", "add", "root");
    for (const user of ["root", "daemon", "operator", "controller", "website", "owner"]) {
      await as("user", "add", `${user}:${user}-secret`);
    }
    await as("user", "grant-role", "root", "root");
    for (const words of await commandsOfPage()) await as(...words);
    for (const [user, right] of [
      ["website", "read"],
      ["owner", "readwrite"],
    ] as const) {
      await as("role", "add", user);
      await as("role", "grant-permission", user, "--prefix", right, "/maxwells-daemon/website/");
      await as("user", "grant-role", user, user);
    }
    await as("auth", "enable");
  }, 60_000);
  afterAll(() => engine?.stop());
  const address = (user: string) => `etcd://${user}:${user}-secret@127.0.0.1:${engine.port}/`;

  test("the daemon's user reads, watches and remembers, and may not write", async () => {
    const store = await openEtcd(address("daemon"));
    let count = 0;
    store.watch?.("website", () => count++);
    store.watch?.("another", () => {});
    await eventually(async () => count > 0, "the watch stands");
    const before = count;
    await engine.ctl("put", "/maxwells-daemon/website/canary", "0.5");
    await eventually(async () => count > before, "a nudge");
    const snapshot = await store.read("website", soon());
    expect(rollouts(snapshot)).toEqual({ canary: 0.5 });
    expect(await store.history?.("website", 5, soon())).toHaveLength(2);
    expect(await store.applications?.(soon())).toEqual(["website"]);
    const revision = snapshot.get("canary")?.revision ?? "";
    expect(
      await reasonOf(store.write?.("website", "canary", { rollout: 1 }, revision, soon())),
    ).toMatchObject({
      code: "denied",
      message: expect.stringContaining("docs/stores/etcd.md"),
    });
    // A trial of the rights asks for a write that cannot succeed.
    expect(await tryWrite(store, "website", soon())).toMatchObject({ kind: "denied" });
    await store.close();
  });

  test("the operator's user writes", async () => {
    const store = await openEtcd(address("operator"));
    const revision = (await store.read("website", soon())).get("canary")?.revision ?? "";
    expect(await store.write?.("website", "canary", { rollout: 0.75 }, revision, soon())).toMatchObject({
      ok: true,
    });
    await store.close();
  });

  test("the controller's user writes records and evidence, and operators read both", async () => {
    const [daemon, operator, controller] = await Promise.all(
      ["daemon", "operator", "controller"].map((user) => openEtcd(address(user))),
    );
    const log = { application: "website", key: "0123456789abcdef01234567" };
    await controller?.evidence?.append(log, ["presence"], soon());
    for (const reader of [operator, controller]) {
      const news = await reader?.evidence?.read(log, undefined, soon());
      expect(news?.batches).toEqual(["presence"]);
    }
    const fields = { rollout: 0.05, release: { key: log.key, state: "running" } };
    const written = await operator?.write?.("website", "released", fields, null, soon());
    const revision = written?.ok ? written.revision : "";
    const next = { rollout: 0, release: { ...fields.release, state: "aborted" } };
    expect(await controller?.write?.("website", "released", next, revision, soon())).toMatchObject({
      ok: true,
    });
    const found = (await daemon?.read("website", soon()))?.get("released");
    expect(found?.value).toEqual(next);
    await operator?.remove?.("website", "released", found?.revision ?? "", soon());

    for (const user of [daemon, operator]) {
      expect(await reasonOf(user?.evidence?.append(log, ["more"], soon()))).toMatchObject({ code: "denied" });
    }
    expect(await reasonOf(daemon?.evidence?.read(log, undefined, soon()))).toMatchObject({ code: "denied" });
    for (const store of [daemon, operator, controller]) await store?.close();
  });

  test("a user of one application needs no rights to the others", async () => {
    const store = await openEtcd(address("website"));
    let count = 0;
    store.watch?.("website", () => count++);
    await eventually(async () => count > 0, "the watch stands");
    const before = count;
    await engine.ctl("put", "/maxwells-daemon/website/canary", "0.6");
    await eventually(async () => count > before, "a nudge");
    expect(await reasonOf(store.read("another", soon()))).toMatchObject({ code: "denied" });
    await store.close();
  });

  test("an operator of one application removes its records, and history does without the note", async () => {
    const store = await openEtcd(address("owner"));
    const written = await store.write?.("website", "over", { rollout: 0 }, null, soon());
    const revision = written?.ok ? written.revision : "";
    expect(await store.remove?.("website", "over", revision, soon())).toEqual({ ok: true });
    expect((await store.read("website", soon())).has("over")).toBe(false);
    expect((await store.history?.("website", 5, soon()))?.length).toBeGreaterThan(0);
    await store.close();
  });

  test("a user without the right to watch is logged once, and goes on reading", async () => {
    const warnings: string[] = [];
    const store = await openEtcd(address("website"), warnings);
    store.watch?.("website", () => {});
    store.watch?.("another", () => {});
    await eventually(async () => warnings.length > 0, "a warning");
    expect(warnings.join()).toContain("found by the poll");
    expect((await store.read("website", soon())).size).toBe(1);
    await store.close();
  });

  test("a token that etcd has forgotten is followed by another", async () => {
    const store = await openEtcd(address("daemon"));
    expect((await store.read("website", soon())).size).toBe(1);
    await engine.ctl("auth", "disable");
    expect((await store.read("website", soon())).size).toBe(1);
    await engine.ctlAs([], "auth", "enable");
    expect((await store.read("website", soon())).size).toBe(1);
    // As of another state of its users.
    await engine.ctl("user", "add", "somebody:else");
    expect((await store.read("website", soon())).size).toBe(1);
    await store.close();
  });

  test.each([
    ["nobody at all", (port: number) => `etcd://127.0.0.1:${port}/`],
    ["a wrong password", (port: number) => `etcd://daemon:wrong-secret@127.0.0.1:${port}/`],
    ["a stranger", (port: number) => `etcd://stranger:any-secret@127.0.0.1:${port}/`],
  ])("%s is denied, with the remedy and no secret", async (_name, at) => {
    const store = await openEtcd(at(engine.port));
    const error = await store.read("website", soon()).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: "StoreError", code: "denied" });
    for (const shown of [Bun.inspect(error), Bun.inspect(store), store.address]) {
      expect(shown).not.toContain("secret");
    }
    await store.close();
  });
});

/** The commands of docs/stores/etcd.md for roles, and for the roles of its users. */
async function commandsOfPage(): Promise<string[][]> {
  const page = await Bun.file(join(import.meta.dir, "../../../docs/stores/etcd.md")).text();
  const commands = Array.from(page.matchAll(/^etcdctl (role .*|user grant-role .*)$/gm), ([, words = ""]) =>
    words.split(" "),
  );
  expect(commands.length).toBe(13);
  return commands;
}

/** etcd's revision of now. */
async function head(engine: Etcd): Promise<number> {
  const status = await engine.ctl("endpoint", "status", "-w", "json");
  const [first] = JSON.parse(status) as { Status: { header: { revision: number } } }[];
  return first?.Status.header.revision ?? 0;
}
