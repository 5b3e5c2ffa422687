/** The NATS store, against a real nats-server behind a faulty network. */

import { expect } from "bun:test";
import { EVIDENCE_KEPT_MS } from "../../src/stores/evidence.ts";
import { encodeName } from "../../src/stores/nats/keys.ts";
import { lyingNats } from "../support/lying-nats.ts";
import {
  EVIDENCE,
  type NatsServer,
  natsMissing,
  openNats,
  RECORDS,
  startNats,
  valuesOf,
} from "../support/nats-server.ts";
import { TcpFaults } from "../support/tcp-faults.ts";
import { evidenceSuite } from "./evidence-suite.ts";
import { type StoreHarness, storeSuite } from "./store-suite.ts";

const SECRET = "hunter2:/@é";

/** Makes these an application's records, and touches no key that is so already. */
async function seed(
  engine: NatsServer,
  application: string,
  records: Readonly<Record<string, unknown>>,
): Promise<void> {
  const before = await engine.keysOf(application);
  const after = valuesOf(application, records);
  const kept = new Set(after.map(([subject]) => subject));
  const gone = Object.keys(before).filter((subject) => !kept.has(subject));
  await engine.put([
    ...gone.map((subject) => [subject, undefined] as const),
    ...after.filter(([subject, value]) => before[subject] !== value),
  ]);
}

/** For each daemon of a fleet of three that all lead; `docs/stores/nats.md` has the figures. */
const HOUR_MAX = { messages: 900, bytes: 750_000, requests: 4_500 };

/** The cost of the evidence in a NATS, by itself. */
async function costs(engine: NatsServer): Promise<Record<string, number>> {
  const [{ state }, { api }] = (await Promise.all([
    engine.api(`STREAM.INFO.${EVIDENCE}`),
    engine.api("INFO"),
  ])) as unknown as [
    { readonly state: { readonly messages: number; readonly bytes: number } },
    { readonly api: { readonly total: number } },
  ];
  return { messages: state.messages, bytes: state.bytes, requests: api.total };
}

if (natsMissing() === undefined) {
  const start = async (): Promise<StoreHarness> => {
    const engine = await startNats();
    await engine.init();
    const faults = await TcpFaults.start({ host: "127.0.0.1", port: engine.port });
    const address = `nats://127.0.0.1:${faults.port}/`;
    const guarded = await startNats({
      config: 'authorization { user: "root", password: "root" }',
      login: { user: "root", pass: "root" },
    });
    const stranger = await lyingNats(() => '{"type":"io.nats.jetstream.api.v1.stream_info_resp');
    const { upstream } = faults;
    let restored: NatsServer | undefined;
    return {
      open: () => openNats(address),
      faults,
      forDaemon: { address },
      seed: (application, records) => seed(engine, application, records),
      seedMany: (applications, records) =>
        engine.put(applications.flatMap((application) => valuesOf(application, records))),
      async denied() {
        const store = await openNats(`nats://ada:${encodeURIComponent(SECRET)}@127.0.0.1:${guarded.port}/`);
        return { store, secret: SECRET };
      },
      spoilOne: (application) =>
        engine.put(valuesOf(application, { one: "x".repeat(100_000), two: "x".repeat(100_000) })),
      leave: () => faults.enter("refuse"),
      hang: () => faults.enter("swallow"),
      async spoil() {
        faults.failOver({ host: "127.0.0.1", port: stranger.port });
      },
      async backUp() {
        await restored?.stop();
        restored = await startNats({ copyOf: engine });
      },
      restart: () => engine.restart(),
      async age({ application, key }) {
        const info = (await engine.api(`STREAM.INFO.${EVIDENCE}`)) as unknown as {
          readonly config: { readonly max_age: number };
        };
        const keptMs = info.config.max_age / 1_000_000;
        expect(keptMs).toBeGreaterThanOrEqual(EVIDENCE_KEPT_MS);
        expect(keptMs).toBeLessThan(EVIDENCE_KEPT_MS + 91 * 86_400_000);
        const filter = `${EVIDENCE}.${encodeName(application)}.${key}`;
        const { purged } = await engine.api(`STREAM.PURGE.${EVIDENCE}`, { filter });
        expect(purged).toBeGreaterThan(0);
      },
      meter: { read: () => costs(engine), hourMax: HOUR_MAX },
      async failOver(state) {
        if (restored === undefined) throw new Error("no backup");
        if (state === "empty") {
          for (const stream of [RECORDS, EVIDENCE]) await restored.api(`STREAM.DELETE.${stream}`);
          await restored.init();
        }
        faults.failOver({ host: "127.0.0.1", port: restored.port });
      },
      async recover() {
        if (faults.upstream !== upstream) faults.failOver(upstream);
        await faults.enter("pass");
      },
      async close() {
        await faults.stop();
        await stranger.stop();
        await engine.stop();
        await guarded.stop();
        await restored?.stop();
      },
    };
  };
  storeSuite("nats", start, {
    "an older state counts at once if the engine counts no writes": "NATS counts all writes",
  });
  evidenceSuite("nats", start, {
    "a watch is nudged soon after an append": "a read each two seconds costs less than the push",
  });
}
