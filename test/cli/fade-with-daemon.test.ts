/** `finish -over` beside a real daemon that leads, on a real Redis. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { fieldsOf } from "../../src/records/fields.ts";
import { openStore } from "../../src/stores/list.ts";
import type { RecordFields } from "../../src/stores/store.ts";
import { DaemonHome } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { recordOf } from "./release-file.ts";
import { run } from "./run.ts";

const isMissing = redisMissing("redis-server") !== undefined;
const CONTEXT = { table: "", region: "", environment: {}, warn() {} };

let engine: Awaited<ReturnType<typeof startRedis>>;
let store: string;

beforeAll(async () => {
  if (isMissing) return;
  engine = await startRedis("redis-server");
  store = `redis://127.0.0.1:${engine.port}`;
});

afterAll(() => engine?.stop());

test.skipIf(isMissing)(
  "a fade is left to the daemon that leads, and the daemon ends it",
  async () => {
    const opened = await openStore(store, CONTEXT);
    const promoted = recordOf({ state: "promoted", step: 4, wrote: [1, 0.25] }) as RecordFields;
    await opened.write?.("website", "canary", promoted, null, AbortSignal.timeout(5_000));
    const home = new DaemonHome({ store, flags: ["-releases", "on", "-name", "web-7"] });
    const daemon = await home.start();
    try {
      const finish = ["finish", "-deployed", "v42", "-over", "12s"];
      const { status, stdout } = await run([...finish, "-store", store, "-application", "website"]);
      expect(stdout).toMatch(
        /^release 7 of website finished: canary 100% → 0% over 12s\nweb-7 goes on with it: canary at \d/,
      );
      expect(status).toBe(0);
      const rollout = async () => {
        const snapshot = await opened.read("website", AbortSignal.timeout(5_000));
        return fieldsOf(snapshot.get("canary")?.value)["rollout"];
      };
      expect(await rollout(), "the command has not ended it").toBeGreaterThan(0);
      await eventually(async () => (await rollout()) === 0, "the fade is over", 25_000);
      await eventually(async () => (await home.ask("0.3")) === "master", "the daemon serves it");
    } finally {
      await daemon.end();
      await opened.close();
      home.remove();
    }
  },
  60_000,
);
