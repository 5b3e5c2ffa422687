/** The commands that write records, and the verbs of releases, on real engines beside other writers. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ShownChange } from "../../src/records/history.ts";
import { openStore } from "../../src/stores/list.ts";
import type { RecordFields } from "../../src/stores/store.ts";
import { etcdMissing, startEtcd } from "../support/etcd.ts";
import { hasMariadb, Mariadb } from "../support/mariadb.ts";
import { natsMissing, startNats } from "../support/nats-server.ts";
import { hasPostgres, Postgres } from "../support/postgres.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { recordOf } from "./release-file.ts";
import { run } from "./run.ts";

interface Engine {
  readonly store: string;
  stop(): unknown;
}

interface EngineKind {
  readonly name: string;
  readonly isMissing: boolean;
  /** Whether the engine remembers a record that was removed. */
  readonly remembers: boolean;
  start(): Promise<Engine>;
}

const CONTEXT = { table: "", region: "", environment: {}, warn() {} };

const ENGINES: readonly EngineKind[] = [
  {
    name: "Redis",
    isMissing: redisMissing("redis-server") !== undefined,
    remembers: false,
    async start() {
      const engine = await startRedis("redis-server");
      return { store: `redis://127.0.0.1:${engine.port}`, stop: () => engine.stop() };
    },
  },
  {
    name: "PostgreSQL",
    isMissing: !hasPostgres,
    remembers: true,
    async start() {
      const engine = await Postgres.start();
      const store = engine.address({ user: "postgres", password: "admin-secret" }, engine.port, "postgres");
      await run(["init-store", "-store", store]);
      return { store, stop: () => engine.stop() };
    },
  },
  {
    name: "NATS",
    isMissing: natsMissing() !== undefined,
    remembers: true,
    async start() {
      const engine = await startNats();
      const store = `nats://127.0.0.1:${engine.port}/`;
      await run(["init-store", "-store", store]);
      return { store, stop: () => engine.stop() };
    },
  },
  {
    name: "MariaDB",
    isMissing: !hasMariadb,
    remembers: true,
    async start() {
      const engine = await Mariadb.start();
      const store = await engine.withDatabase("suite");
      await run(["init-store", "-store", store]);
      return { store, stop: () => engine.stop() };
    },
  },
  {
    name: "etcd",
    isMissing: etcdMissing() !== undefined,
    remembers: true,
    async start() {
      const engine = await startEtcd();
      return { store: `etcd://127.0.0.1:${engine.port}/`, stop: () => engine.stop() };
    },
  },
];

for (const { name, isMissing, remembers, start } of ENGINES) {
  describe.skipIf(isMissing)(name, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await start();
    }, 40_000);
    afterAll(async () => {
      await engine?.stop();
    });
    const on = (application: string, ...words: string[]) =>
      run([...words, "-store", engine.store, "-application", application]);

    test("0% is written against writers that come all the time", async () => {
      expect((await on("race", "set", "canary", "50%", "-new")).status).toBe(0);
      const others = [1, 2, 3].map(async (writer) => {
        for (let turn = 1; turn <= 10; turn++) await on("race", "set", "canary", `${writer * 20 + turn}%`);
      });
      const downs: number[] = [];
      for (let down = 0; down < 5; down++) downs.push((await on("race", "set", "canary", "0%")).status);
      await Promise.all(others);
      expect(downs).toEqual([0, 0, 0, 0, 0]);
      expect((await on("race", "set", "canary", "0%")).status).toBe(0);
      expect(JSON.parse((await on("race", "get", "canary", "-o", "json")).stdout)[0].rollout).toBe(0);
    }, 30_000);

    /** Puts a release in its second step, at 5 %, into the store. */
    async function putRelease(application: string): Promise<void> {
      const store = await openStore(engine.store, CONTEXT);
      const fields = recordOf() as RecordFields;
      await store.write?.(application, "canary", fields, null, AbortSignal.timeout(5_000));
      await store.close();
    }

    test("law 10: an abort is written against operators who pause and resume all the time", async () => {
      await putRelease("abort");
      const others = [1, 2, 3].map(async () => {
        for (let turn = 0; turn < 5; turn++) {
          await on("abort", "pause");
          await on("abort", "resume");
        }
      });
      expect((await on("abort", "abort", "-m", "INC-42")).status).toBe(0);
      await Promise.all(others);
      const [record] = JSON.parse((await on("abort", "get", "canary", "-o", "json")).stdout);
      expect(record.rollout).toBe(0);
      expect((await on("abort", "abort")).stdout).toBe("release 7 of abort is aborted already\n");
    }, 30_000);

    test("a release is led by verbs, and set goes beside it", async () => {
      await putRelease("verbs");
      const steps: readonly (readonly [words: readonly string[], status: number, text: string])[] = [
        [["pause"], 0, "paused at step 2/4: canary stays at 5%"],
        [["set", "canary", "3%"], 0, "5% (0.05) → 3% (0.03)"],
        [["set", "canary", "5%"], 1, "is paused, at step 2/4, canary at 3%; nothing was written"],
        [["resume"], 0, "resumed: step 1/4, canary 3% → 1%"],
        [["promote", "-expect-step", "1"], 0, "step 2/4, canary 1% → 5%"],
        [["promote", "-to", "25%"], 0, "step 3/4, canary 5% → 25%"],
        [["promote", "-to", "25%"], 0, "is running already, at step 3/4"],
        [["promote", "-to", "100%"], 0, "promoted: step 4/4, canary 25% → 100%"],
        [["finish", "-deployed", "v42", "-over", "1s"], 0, "has faded: canary is at 0%"],
        [["finish", "-deployed", "v42"], 0, "is finished already"],
        [["set", "canary", "5%"], 0, "0% (0) → 5% (0.05)"],
        [["freeze", "on"], 0, "releases are frozen by"],
        [["freeze", "off"], 0, "releases are not frozen"],
      ];
      for (const [words, status, text] of steps) {
        const ran = await on("verbs", ...words);
        expect(`${ran.status} ${ran.stdout}${ran.stderr}`).toContain(text);
        expect(ran.status).toBe(status);
      }
    }, 30_000);

    test("history has each transition of a release once", async () => {
      await on("told", "set", "canary", "0%", "-new");
      const plan = ["canary", "1%:1h,5%:1h,100%:1h", "-of", "v42", "-unattended"];
      await on("told", "release", ...plan);
      await on("told", "promote", "-expect-step", "1");
      await on("told", "abort", "-m", "too slow");
      const { stdout } = await on("told", "history", "-o", "json");
      const changes = JSON.parse(stdout) as ShownChange[];
      expect(changes.map(({ rollout, release }) => [rollout, release?.state, release?.step])).toEqual([
        [0, "aborted", 2],
        [0.05, "running", 2],
        [0.01, "running", 1],
        [0, undefined, undefined],
      ]);
    });

    test("a version is removed, and history shows that as far as the engine remembers", async () => {
      await on("removed", "set", "blue", "5%", "-new", "-offset", "0.5");
      await on("removed", "set", "canray", "5%", "-new");
      expect((await on("removed", "remove", "canray")).stderr).toContain("canray of removed is at 5% (0.05)");
      const { status, stdout } = await on("removed", "remove", "canray", "-force", "-m", "a typo");
      expect(status).toBe(0);
      expect(stdout).toContain("canray of removed: 5% (0.05) → removed from ");
      expect((await on("removed", "get", "-o", "json")).stdout).not.toContain("canray");
      expect((await on("removed", "remove", "canray")).stderr).toContain(
        "has no version canray; it has blue",
      );
      const { stdout: history } = await on("removed", "history");
      if (remembers) {
        expect(history).toMatch(/canray +removed/);
        expect(history).toMatch(/canray +0% .*a typo/);
      } else {
        expect(history).not.toContain("canray");
      }
    });

    test("a misspelt application is told, with the one that was probably meant", async () => {
      await on("website", "set", "canary", "5%", "-new");
      const { status, stderr } = await on("websiet", "set", "canary", "0%");
      expect(status).toBe(1);
      expect(stderr).toContain("has no records of websiet; did you mean website?; nothing was written");
    });
  });
}
