/** The etcd store, against a real etcd behind a faulty network. */

import { expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { headOf } from "../../src/stores/etcd/evidence-head.ts";
import { EVIDENCE_KEPT_MS } from "../../src/stores/evidence.ts";
import { type Etcd, etcdMissing, openEtcd, startEtcd } from "../support/etcd.ts";
import { TcpFaults } from "../support/tcp-faults.ts";
import { evidenceSuite } from "./evidence-suite.ts";
import { type StoreHarness, storeSuite } from "./store-suite.ts";

const PREFIX = "/maxwells-daemon";
const SECRET = "hunter2:/@é";

/** Makes these an application's records, and touches no key that is so already. */
async function seed(
  engine: Etcd,
  application: string,
  records: Readonly<Record<string, unknown>>,
): Promise<void> {
  const before = await engine.get(`${PREFIX}/${application}/`);
  const after = keysOf(application, records);
  const gone = Object.keys(before).filter((key) => !(key in after));
  const changed = Object.entries(after).filter(([key, value]) => before[key] !== value);
  await engine.put({
    ...Object.fromEntries(gone.map((key) => [key, undefined])),
    ...Object.fromEntries(changed),
  });
}

function keysOf(application: string, records: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(records).map(([version, value]) => [
      `${PREFIX}/${application}/${version}`,
      JSON.stringify(value),
    ]),
  );
}

/** For each daemon of a fleet of three that all lead; `docs/stores/etcd.md` has the figures. */
const HOUR_MAX = { revisions: 900, keys: 900, bytes: 750_000, database: 1_250_000 };

/** The cost of the evidence in an etcd, by itself. */
async function costs(engine: Etcd): Promise<Record<string, number>> {
  // How many pages are free for a moment depends on the pace of the machine.
  await engine.ctl("defrag");
  const [{ Status }] = JSON.parse(await engine.ctl("endpoint", "status", "-w", "json")) as [
    { readonly Status: { readonly header: { readonly revision: number }; readonly dbSizeInUse: number } },
  ];
  const entries = Object.entries(await engine.get(`${PREFIX}.evidence/`));
  return {
    revisions: Status.header.revision,
    keys: entries.length,
    bytes: entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0),
    database: Status.dbSizeInUse,
  };
}

if (etcdMissing() === undefined) {
  const start = async (): Promise<StoreHarness> => {
    const engine = await startEtcd();
    const faults = await TcpFaults.start({ host: "127.0.0.1", port: engine.port });
    const address = `etcd://127.0.0.1:${faults.port}/`;
    const guarded = await startEtcd();
    await guarded.ctl("user", "add", "root:root");
    await guarded.ctl("user", "grant-role", "root", "root");
    await guarded.ctl("auth", "enable");
    // A server there answers with half an answer of etcd's.
    const stranger = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response('{"header":{"revision":"7"},"kvs":[{"key":"L21he'),
    });
    const { upstream } = faults;
    const directory = mkdtempSync(join(tmpdir(), "store-etcd-"));
    let restored: Etcd | undefined;
    return {
      open: () => openEtcd(address),
      faults,
      forDaemon: { address },
      seed: (application, records) => seed(engine, application, records),
      seedMany: (applications, records) =>
        engine.put(Object.assign({}, ...applications.map((name) => keysOf(name, records)))),
      async denied() {
        const store = await openEtcd(`etcd://ada:${encodeURIComponent(SECRET)}@127.0.0.1:${guarded.port}/`);
        return { store, secret: SECRET };
      },
      spoilOne: (application) => engine.put({ [`${PREFIX}/${application}/huge`]: "x".repeat(1_000_000) }),
      leave: () => faults.enter("refuse"),
      hang: () => faults.enter("swallow"),
      async spoil() {
        faults.failOver({ host: "127.0.0.1", port: stranger.port ?? 0 });
      },
      async backUp() {
        await restored?.stop();
        const snapshot = join(directory, "snapshot.db");
        await engine.ctl("snapshot", "save", snapshot);
        restored = await startEtcd({ snapshot });
      },
      restart: () => engine.restart(),
      async age({ application, key }) {
        const head = `${PREFIX}.evidence/${application}/${key}`;
        const { leases = [] } = headOf((await engine.get(head))[head] ?? "") ?? {};
        expect(leases.length).toBe(1);
        for (const id of leases) {
          const lease = BigInt(id).toString(16);
          const text = await engine.ctl("lease", "timetolive", lease, "-w", "json");
          const ttlMs = (JSON.parse(text) as { "granted-ttl": number })["granted-ttl"] * 1_000;
          expect(ttlMs).toBeGreaterThan(EVIDENCE_KEPT_MS);
          expect(ttlMs).toBeLessThan(EVIDENCE_KEPT_MS + 2 * 86_400_000);
          await engine.ctl("lease", "revoke", lease);
        }
        expect(await engine.get(head)).toEqual({});
      },
      meter: { read: () => costs(engine), hourMax: HOUR_MAX },
      async failOver(state) {
        if (state === "empty") await restored?.ctl("del", "--prefix", PREFIX);
        faults.failOver({ host: "127.0.0.1", port: restored?.port ?? 0 });
      },
      async recover() {
        if (faults.upstream !== upstream) faults.failOver(upstream);
        await faults.enter("pass");
      },
      async close() {
        await faults.stop();
        await stranger.stop(true);
        await engine.stop();
        await guarded.stop();
        await restored?.stop();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  };
  storeSuite("etcd", start, {
    "the engine's clock tells the time": "etcd tells no time",
    "an older state counts at once if the engine counts no writes": "etcd counts all writes",
    "what it needs may be made again, and changes nothing that is there": "etcd needs nothing to be made",
  });
  evidenceSuite("etcd", start, {
    "a watch is nudged soon after an append": "a read each two seconds costs less than the push",
  });
}
