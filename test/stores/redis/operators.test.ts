/** Operators at a Redis beside this program: by hand, with rights, with notifications on and off. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openStore } from "../../../src/stores/list.ts";
import type { Store, StoreError } from "../../../src/stores/store.ts";
import { tryWrite } from "../../../src/verbs/write-trial.ts";
import { run, temporaryDirectory } from "../../cli/run.ts";
import { eventually } from "../../support/eventually.ts";
import { reasonOf } from "../../support/reason-of.ts";
import { type RedisServer, redisMissing, startRedis } from "../../support/redis-server.ts";
import { fails, soon } from "../../support/store-calls.ts";
import { rollouts } from "../store-suite.ts";

const KEY = "maxwells-daemon:website";

/** The lines that operators copy from docs/stores/redis.md. */
const DAEMON_RIGHTS = await rightsOf("daemon");
/** With the one that `copy` needs. */
const OPERATOR_RIGHTS = [...(await rightsOf("operator")), "+scan"];
const CONTROLLER_RIGHTS = await rightsOf("controller");

async function rightsOf(user: string): Promise<string[]> {
  const page = await Bun.file(join(import.meta.dir, "../../../docs/stores/redis.md")).text();
  const [, rights] = new RegExp(`^ACL SETUSER ${user} on >PASSWORD (.+)$`, "m").exec(page) ?? [];
  if (rights === undefined) throw new Error(`the page has no rights of ${user}`);
  return rights.split(" ");
}

for (const program of ["redis-server", "valkey-server"] as const) {
  describe.skipIf(redisMissing(program) !== undefined)(`a ${program} and its operators`, () => {
    let engine: RedisServer;
    const stores: Store[] = [];
    const warnings: string[] = [];

    beforeAll(async () => {
      engine = await startRedis(program);
      await engine.cli("ACL", "SETUSER", "daemon", "on", ">d", ...DAEMON_RIGHTS);
      await engine.cli("ACL", "SETUSER", "operator", "on", ">o", ...OPERATOR_RIGHTS);
      await engine.cli("ACL", "SETUSER", "controller", "on", ">c", ...CONTROLLER_RIGHTS);
      await engine.cli("ACL", "SETUSER", "deaf", "on", ">d", "resetchannels", "~*", "+@all");
    });
    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close();
      warnings.length = 0;
      await engine.cli("FLUSHALL");
      await engine.cli("CONFIG", "SET", "notify-keyspace-events", "");
    });
    afterAll(async () => {
      await engine?.stop();
    });

    async function open(login = "", database = 0): Promise<Store> {
      const address = `redis://${login}127.0.0.1:${engine.port}/${database}`;
      const warn = (message: string) => warnings.push(message);
      const store = await openStore(address, { table: "", region: "", environment: {}, warn });
      stores.push(store);
      return store;
    }

    test("operators may do by hand what the page shows them", async () => {
      const by = ["--user", "operator", "--pass", "o", "--no-auth-warning"];
      await engine.cli("HSET", KEY, "canary", "0.25", "canary:note", "over", "blue", "0.5");
      const names = await engine.cli(...by, "HKEYS", KEY);
      expect(names.split("\n")).toEqual(["canary", "canary:note", "blue"]);
      expect(await engine.cli(...by, "HDEL", KEY, "canary", "canary:note")).toBe("2");
      expect(await engine.cli(...by, "HSET", KEY, "blue", "0")).toBe("0");
      expect(await engine.cli(...by, "HGETALL", KEY)).toBe("blue\n0");
    });

    test("a rollout that is set by hand counts, for a new application too", async () => {
      const store = await open();
      await engine.cli("HSET", KEY, "canary", "0.25");
      expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
      await engine.cli("HDEL", KEY, "canary");
      expect(await store.read("website", soon())).toEqual(new Map());
    });

    test("copy leaves out a record whose field would be the count of writes, says so, and copies all else", async () => {
      using directory = temporaryDirectory();
      const file = directory.path("rollouts.json");
      const records = { canary: { rollout: 0.25, revision: "a1b2c3" }, blue: 0.5 };
      await Bun.write(file, JSON.stringify({ website: records }));
      const { status, stdout } = await run([
        ...["copy", "-store", `file:${file}`, "-to", `redis://127.0.0.1:${engine.port}`],
      ]);
      expect(status).toBe(1);
      expect(stdout).toStartWith("1 record of 1 application copied");
      expect(stdout).toContain("left out: website/canary: redis://127.0.0.1:");
      expect(stdout).toContain("cannot keep the field revision of canary");
      expect(stdout).toContain("rename it at its source");
      expect(await engine.cli("HGETALL", KEY)).toMatch(/^blue:revision\n\d+\nblue\n0\.5$/);
    });

    test("a rollout that is set by hand leaves the rest of its record, and makes a write lose", async () => {
      const store = await open();
      const written = await store.write?.("website", "canary", FIELDS, null, soon());
      await engine.cli("HSET", KEY, "canary", "0.5");
      const now = (await store.read("website", soon())).get("canary");
      expect(now?.value).toEqual({ ...FIELDS, rollout: 0.5 });
      const before = written?.ok ? written.revision : "";
      expect(await store.write?.("website", "canary", { rollout: 1 }, before, soon())).toEqual({
        ok: false,
        current: now,
      });
    });

    test("what a write leaves is plain to read", async () => {
      const store = await open();
      await store.write?.("website", "canary", FIELDS, null, soon());
      const text = await engine.cli("HGETALL", KEY);
      expect(text.split("\n")).toEqual([
        ...[
          "canary:revision",
          expect.stringMatching(/^\d{16}$/),
          "canary",
          "0.25",
          "canary:offset",
          "0.5",
          "canary:failsafe",
          "hold",
        ],
        ...["canary:updatedBy", '"42"', "canary:history", '[{"rollout":0}]'],
      ]);
    });

    test("versions whose names begin alike are kept apart", async () => {
      const store = await open();
      await engine.cli("HSET", KEY, "blue", "0.1", "blue-2", "0.2", "blue-2:offset", "0.5");
      const revision = (await store.read("website", soon())).get("blue")?.revision ?? "";
      expect(await store.write?.("website", "blue", { rollout: 0.3 }, revision, soon())).toMatchObject({
        ok: true,
      });
      expect(rollouts(await store.read("website", soon()))).toEqual({ blue: 0.3, "blue-2": 0.2 });
    });

    test("databases are kept apart, and one that does not exist is missing", async () => {
      const [zero, one, none] = [await open(), await open("", 1), await open("", 999)];
      await engine.cli("-n", "1", "HSET", KEY, "canary", "0.75");
      expect(rollouts(await one.read("website", soon()))).toEqual({ canary: 0.75 });
      expect(await zero.read("website", soon())).toEqual(new Map());
      expect(await reasonOf(none.read("website", soon()))).toMatchObject({ code: "missing" });
    });

    test("a write of ours nudges without any setting of the server", async () => {
      const daemon = await open("daemon:d@");
      const operator = await open("operator:o@");
      const nudges = await watching(daemon);
      const before = nudges.count;
      await operator.write?.("website", "canary", { rollout: 0.5 }, null, soon());
      await eventually(() => nudges.count > before, "a nudge");
      expect(warnings).toEqual([]);
    });

    test("a change by hand nudges where notifications are on, and only there", async () => {
      const daemon = await open("daemon:d@", 0);
      const nudges = await watching(daemon);
      const before = nudges.count;
      await engine.cli("HSET", KEY, "canary", "0.5");
      await Bun.sleep(200);
      expect(nudges.count).toBe(before);
      await engine.cli("CONFIG", "SET", "notify-keyspace-events", "Kgh");
      await engine.cli("HSET", KEY, "canary", "0.6");
      await eventually(() => nudges.count > before, "a nudge");
      const beforeDel = nudges.count;
      await engine.cli("DEL", KEY);
      await eventually(() => nudges.count > beforeDel, "a nudge of DEL");
    });

    test("a user without the right to subscribe is logged once, and reads go on", async () => {
      const store = await open("deaf:d@");
      await engine.cli("HSET", KEY, "canary", "0.5");
      await watching(store);
      await eventually(() => warnings.length > 0, "a warning");
      expect(warnings).toEqual([expect.stringContaining("may not SUBSCRIBE")]);
      expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.5 });
    });

    test("the rights of the documents suffice for the daemon and for operators, and for no more", async () => {
      const daemon = await open("daemon:d@");
      const operator = await open("operator:o@");
      expect(await operator.write?.("website", "canary", FIELDS, null, soon())).toMatchObject({ ok: true });
      const revision = (await operator.read("website", soon())).get("canary")?.revision ?? "";
      const fields = { rollout: 0.5, offset: undefined };
      expect(await operator.write?.("website", "canary", fields, revision, soon())).toMatchObject({
        ok: true,
      });
      expect(await operator.applications?.(soon())).toEqual(["website"]);
      const snapshot = await daemon.read("website", soon());
      expect(rollouts(snapshot)).toEqual({ canary: 0.5 });

      const now = snapshot.get("canary")?.revision ?? "";
      const refused = daemon.write?.("website", "canary", { rollout: 1 }, now, soon());
      expect(await reasonOf(refused)).toMatchObject({ code: "denied" });
      expect(await reasonOf(daemon.applications?.(soon()))).toMatchObject({ code: "denied" });
      // A trial of the rights asks for a write that cannot succeed.
      const [, major] = /redis_version:(\d+)/.exec(await engine.cli("INFO", "server")) ?? [];
      if (Number(major) >= 7) {
        expect(await tryWrite(daemon, "website", soon())).toMatchObject({ kind: "denied" });
      }
      expect(await tryWrite(operator, "website", soon())).toEqual({ kind: "allowed" });
      expect(await daemon.read("website", soon())).toEqual(snapshot);
    });

    test("the rights of the documents suffice for releases: for their commands, and for those that lead", async () => {
      const [daemon, operator, controller] = await Promise.all(
        ["daemon:d@", "operator:o@", "controller:c@"].map((login) => open(login)),
      );
      const log = { application: "website", key: "0123456789abcdef01234567" };
      const release = { key: log.key, state: "running", seq: 1 };
      const started = await operator?.write?.("website", "canary", { rollout: 0.01, release }, null, soon());
      await controller?.evidence?.append(log, ["presence"], soon());
      for (const reader of [operator, controller]) {
        expect(await reader?.clock?.(soon())).toBeNumber();
        const news = await reader?.evidence?.read(log, undefined, soon());
        expect(news?.batches).toEqual(["presence"]);
        expect(await reader?.evidence?.read(log, news?.cursor, soon())).toMatchObject({ batches: [] });
      }
      const fields = { rollout: 0, release: { ...release, state: "aborted", log: [], seq: 2 } };
      const revision = started?.ok ? started.revision : "";
      const nudges = await watching(controller as Store);
      const before = nudges.count;
      expect(await controller?.write?.("website", "canary", fields, revision, soon())).toMatchObject({
        ok: true,
      });
      await eventually(() => nudges.count > before, "a nudge");
      expect((await daemon?.read("website", soon()))?.get("canary")?.value).toEqual(fields);

      for (const user of [daemon, operator]) {
        const refused = user?.evidence?.append(log, ["not allowed"], soon());
        expect(await reasonOf(refused)).toMatchObject({ code: "denied" });
      }
      const refused = daemon?.evidence?.read(log, undefined, soon());
      expect(await reasonOf(refused)).toMatchObject({ code: "denied" });
      expect(await reasonOf(controller?.applications?.(soon()))).toMatchObject({ code: "denied" });
      expect(warnings).toEqual([]);
    });

    test.each(CONTROLLER_RIGHTS.filter((right) => right.startsWith("+")))(
      "a controller without %s cannot do its work",
      async (right) => {
        const rights = CONTROLLER_RIGHTS.filter((other) => other !== right);
        await engine.cli("ACL", "SETUSER", "less", "reset", "on", ">l", ...rights);
        const store = await open("less:l@");
        const log = { application: "website", key: "0123456789abcdef01234567" };
        await engine.cli("HSET", KEY, "canary", "0.25");
        const long = Array.from({ length: 16 }, () => "x".repeat(4_096));
        const work = async () => {
          const revision = (await store.read("website", soon())).get("canary")?.revision ?? "";
          await store.write?.("website", "canary", { rollout: 0.5 }, revision, soon());
          await store.clock?.(soon());
          // So long that its oldest entries go, if that is what lacks the right.
          const calls = right === "+xlen" ? 520 : 1;
          for (let call = 0; call < calls; call++) await store.evidence?.append(log, long, soon());
          await store.evidence?.read(log, undefined, soon());
          await watching(store);
          await eventually(() => warnings.length > 0, "a warning", 100).catch(() => {});
          return warnings.length > 0 ? "denied" : "done";
        };
        const outcome = await work().catch((error: unknown) => (error as StoreError).code);
        // A refused PING is an answer too, and a lost PUBLISH costs only time.
        const isNeeded = !["+ping", "+publish"].includes(right);
        expect(outcome).toBe(isNeeded ? "denied" : "done");
      },
    );

    test("a right that is missing half-way leaves nothing half written", async () => {
      const rights = OPERATOR_RIGHTS.filter((right) => right !== "+hdel");
      await engine.cli("ACL", "SETUSER", "half", "on", ">h", ...rights);
      const store = await open("half:h@");
      const refused = store.write?.("website", "canary", { rollout: 1, why: undefined }, null, soon());
      expect(await reasonOf(refused)).toMatchObject({ code: "denied" });
      expect(await engine.cli("EXISTS", KEY)).toBe("0");
    });

    test("a key that is not a hash is malformed, and a rollout in two spellings counts as 0", async () => {
      const store = await open();
      await engine.cli("SET", KEY, "0.25");
      const error = await fails(store.read("website", soon()));
      expect(error).toMatchObject({ code: "malformed" });
      expect(error.message).toContain(KEY);
      await engine.cli("DEL", KEY);
      await engine.cli("HSET", KEY, "canary", "0.25", "canary:rollout", "0.5");
      const snapshot = await store.read("website", soon());
      expect(rollouts(snapshot)).toEqual({ canary: { canary: 0.25, "canary:rollout": 0.5 } });
      const revision = snapshot.get("canary")?.revision ?? "";
      await store.write?.("website", "canary", { rollout: 0.75 }, revision, soon());
      expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.75 });
    });

    test("more than can be read is refused by Redis itself, and none of it is sent", async () => {
      const store = await open();
      const fields = Array.from({ length: 5_000 }, (_, index) => [`v${index}`, "0"]).flat();
      await engine.pipe([["HSET", KEY, ...fields]]);
      expect(await fails(store.read("website", soon()))).toMatchObject({ code: "malformed" });
      await engine.cli("DEL", KEY);
      const padding = "x".repeat(1_100_000);
      await engine.pipe([["HSET", KEY, "canary", "0.5", "canary:padding", padding]]);
      const error = await fails(store.read("website", soon()));
      expect(error).toMatchObject({ code: "malformed" });
      expect(error.message).toContain("HDEL");
      await engine.cli("DEL", KEY);
      const refused = store.write?.("website", "canary", { rollout: 0, padding }, null, soon());
      expect(await reasonOf(refused)).toMatchObject({ code: "refused" });
      expect(await engine.cli("EXISTS", KEY)).toBe("0");
    });
  });
}

test.skipIf(redisMissing("redis-server") !== undefined)(
  "a node of a cluster serves the applications that it has, and says so of others",
  async () => {
    const node = await startRedis("redis-server", ["--cluster-enabled", "yes"]);
    const store = await openStore(`redis://127.0.0.1:${node.port}`, {
      table: "",
      region: "",
      environment: {},
      warn: () => {},
    });
    try {
      expect(await fails(store.read("website", soon()))).toMatchObject({ code: "unavailable" });
      await node.cli("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
      await eventually(
        async () => (await node.cli("CLUSTER", "INFO")).includes("cluster_state:ok"),
        "a cluster",
      );
      expect(await store.write?.("website", "canary", FIELDS, null, soon())).toMatchObject({ ok: true });
      expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    } finally {
      await store.close();
      await node.stop();
    }
  },
);

const FIELDS = {
  rollout: 0.25,
  offset: 0.5,
  failsafe: "hold",
  updatedBy: "42",
  history: [{ rollout: 0 }],
} as const;

/** A watch that stands. */
async function watching(store: Store): Promise<{ readonly count: number }> {
  const nudges = { count: 0 };
  store.watch?.("website", () => {
    nudges.count++;
  });
  await eventually(() => nudges.count > 0, "the first nudge");
  return nudges;
}
