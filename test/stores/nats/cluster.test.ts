/** A cluster of three NATS servers that loses the leader of its streams, and a store beside it. */

import { afterEach, describe, expect, test } from "bun:test";
import type { Store } from "../../../src/stores/store.ts";
import { eventually } from "../../support/eventually.ts";
import { type LyingNats, lyingNats } from "../../support/lying-nats.ts";
import { type NatsServer, natsMissing, openNats, RECORDS, startNats } from "../../support/nats-server.ts";
import { freePort } from "../../support/port.ts";
import { fails, soon } from "../../support/store-calls.ts";
import { TcpFaults } from "../../support/tcp-faults.ts";
import { rollouts } from "../store-suite.ts";

const KEY = "$KV.maxwells-daemon.website.canary";

/** The servers wait 4 to 9 s for a leader that says nothing, and may have to choose twice. */
const CHOICE_MS_MAX = 30_000;

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (let end = endings.pop(); end !== undefined; end = endings.pop()) await end();
});

function ending<T>(part: T, end: (part: T) => unknown): T {
  endings.push(() => end(part));
  return part;
}

const opened = async (ports: readonly number[]): Promise<Store> =>
  ending(await openNats(`nats://${ports.map((port) => `127.0.0.1:${port}`).join(",")}/`), (store) =>
    store.close(),
  );

async function startCluster(): Promise<readonly NatsServer[]> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
  // Each one is ready when most of them have chosen a leader.
  const servers = await Promise.all(
    ports.map((port, index) =>
      startNats({
        config: `server_name: "n${index}"
          cluster { name: "three", listen: "127.0.0.1:${port}", routes: [${routes}] }`,
      }),
    ),
  );
  for (const server of servers) ending(server, (each) => each.stop());
  await servers[0]?.init();
  return servers;
}

async function leaderOf(servers: readonly NatsServer[]): Promise<NatsServer> {
  let leader: NatsServer | undefined;
  await eventually(async () => {
    const { cluster } = ((await servers[0]?.api(`STREAM.INFO.${RECORDS}`)) ?? {}) as {
      readonly cluster?: { readonly leader?: string };
    };
    leader = servers.find((_, index) => cluster?.leader === `n${index}`);
    return leader !== undefined;
  }, "the stream has a leader");
  if (leader === undefined) throw new Error("no leader");
  return leader;
}

describe.skipIf(natsMissing() !== undefined)("a cluster", () => {
  test("if the leader dies, reads wait for the next one over the connection that they have, and so does the watch", async () => {
    const servers = await startCluster();
    const leader = await leaderOf(servers);
    await leader.put([[KEY, "0.25"]]);
    const others = servers.filter((server) => server !== leader);
    const [near] = others;
    const faults = ending(await TcpFaults.start({ host: "127.0.0.1", port: near?.port ?? 0 }), (network) =>
      network.stop(),
    );
    const store = await opened([faults.port]);
    let nudges = 0;
    store.watch?.("website", () => nudges++);
    await eventually(() => nudges > 0, "the watch stands");
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    leader.signal("SIGKILL");
    const beganMs = performance.now();
    for (let isRead = false; !isRead; ) {
      const askedMs = performance.now();
      expect(askedMs - beganMs).toBeLessThan(CHOICE_MS_MAX);
      const error = await store.read("website", AbortSignal.timeout(5_000)).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      isRead = error === undefined;
      // A read that fails has waited for nearly all of the time that a daemon gives it.
      if (!isRead) {
        expect(error).toMatchObject({
          code: "unavailable",
          message: expect.stringContaining("choosing a leader"),
        });
        expect(performance.now() - askedMs).toBeGreaterThan(3_000);
      }
    }
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    const before = nudges;
    await near?.put([[KEY, "0.5"]]);
    await eventually(() => nudges > before, "a nudge", CHOICE_MS_MAX);
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.5 });
  }, 90_000);
});

describe("a server without a leader", () => {
  const STATE = { messages: 0, first_seq: 0, last_seq: 0, last_ts: "0001-01-01T00:00:00Z" };
  const INFO = JSON.stringify({ created: "2026-01-01T00:00:00Z", total: 0, state: STATE });

  test("a request is sent again until there is one, and a write is sent once", async () => {
    const server: LyingNats = ending(
      await lyingNats(() => (server.asked.length > 2 ? INFO : undefined)),
      (each) => each.stop(),
    );
    const store = await opened([server.port]);
    expect(await store.read("website", soon())).toEqual(new Map());
    expect(server.asked.length).toBe(3);
    server.asked.length = 0;
    expect(await fails(store.write?.("website", "canary", { rollout: 1 }, null, soon()))).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("choosing a leader"),
    });
    expect(server.asked).toEqual([KEY]);
  });

  test("a consumer is asked for once, because the second answer would count only what is left", async () => {
    const server = ending(
      await lyingNats((subject) => (subject.includes("INFO") ? INFO : undefined)),
      (each) => each.stop(),
    );
    const store = await opened([server.port]);
    const names = Array.from({ length: 12 }, (_, index) => `app-${index}`);
    expect(await fails(store.readMany?.(names, soon()))).toMatchObject({ code: "unavailable" });
    expect(server.asked.filter((subject) => subject.includes("CONSUMER.CREATE")).length).toBe(1);
  });

  test("after some seconds the read fails, and the next one asks another server", async () => {
    const [cut, whole] = [await lyingNats(() => undefined), await lyingNats(() => INFO)];
    for (const server of [cut, whole]) ending(server, (each) => each.stop());
    const store = await opened([cut.port, whole.port]);
    const error = await fails(store.read("website", AbortSignal.timeout(5_000)));
    expect(error).toMatchObject({ message: expect.stringContaining("choosing a leader") });
    expect(await store.read("website", soon())).toEqual(new Map());
    expect(whole.asked.length).toBe(1);
  });

  test("a server that says nothing is left for another one within the same read", async () => {
    const whole = ending(await lyingNats(() => INFO), (each) => each.stop());
    const faults = ending(await TcpFaults.start({ host: "127.0.0.1", port: whole.port }), (network) =>
      network.stop(),
    );
    const store = await opened([faults.port, whole.port]);
    await store.read("website", soon());
    await faults.enter("swallow");
    expect(await store.read("website", soon())).toEqual(new Map());
    // The silent one is not asked first again.
    const beganMs = performance.now();
    await store.read("website", soon());
    expect(performance.now() - beganMs).toBeLessThan(1_000);
  });
});
