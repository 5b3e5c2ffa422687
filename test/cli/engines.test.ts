/** The commands `set`, `remove` and `history` on real engines, beside other writers. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { etcdMissing, startEtcd } from "../support/etcd.ts";
import { hasPostgres, Postgres } from "../support/postgres.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
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
