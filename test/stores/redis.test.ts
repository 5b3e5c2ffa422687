import { expect } from "bun:test";
import { EVIDENCE_KEPT_MS } from "../../src/stores/evidence.ts";
import { openStore } from "../../src/stores/list.ts";
import type { Store } from "../../src/stores/store.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisProgram, type RedisServer, redisMissing, startRedis } from "../support/redis-server.ts";
import { TcpFaults } from "../support/tcp-faults.ts";
import { evidenceSuite } from "./evidence-suite.ts";
import { type StoreHarness, storeSuite } from "./store-suite.ts";

const PREFIX = "maxwells-daemon:";
const EVIDENCE_PREFIX = "maxwells-daemon-evidence:";
const SECRET = "hunter2:/@é";

/**
 * With notifications, which `redis-cli` switches on, and with replicas that need not wait for
 * others.
 */
const OPTIONS = ["--notify-keyspace-events", "Kh", "--repl-diskless-sync-delay", "0"];

export function open(address: string, warnings: string[] = []): Promise<Store> {
  return openStore(address, {
    table: "",
    region: "",
    environment: {},
    warn: (message) => warnings.push(message),
  });
}

for (const program of ["redis-server", "valkey-server"] as const) {
  if (redisMissing(program) === undefined) suiteOf(program);
}

function suiteOf(program: RedisProgram): void {
  let engine: RedisServer;
  let replica: RedisServer | undefined;
  let faults: TcpFaults;
  const start = async (): Promise<StoreHarness> => {
    engine = await startRedis(program, OPTIONS);
    await engine.cli("ACL", "SETUSER", "ada", "on", ">other", "+@all", "~*");
    faults = await TcpFaults.start({ host: "127.0.0.1", port: engine.port });
    const { upstream } = faults;
    const address = `redis://127.0.0.1:${faults.port}`;
    return {
      open: () => open(address),
      faults,
      forDaemon: { address },
      seed: (application, records) => engine.pipe(seeding(application, records)),
      seedMany: (applications, records) =>
        engine.pipe(applications.flatMap((name) => seeding(name, records))),
      async denied() {
        const store = await open(`redis://ada:${encodeURIComponent(SECRET)}@127.0.0.1:${faults.port}`);
        return { store, secret: SECRET };
      },
      async spoilOne(application) {
        await engine.pipe([
          ["DEL", `${PREFIX}${application}`],
          ["SET", `${PREFIX}${application}`, "a text"],
        ]);
      },
      leave: () => faults.enter("refuse"),
      spoil: async () => {
        await engine.pipe([
          ["DEL", `${PREFIX}garbage`],
          ["SET", `${PREFIX}garbage`, "a text"],
        ]);
      },
      hang: () => faults.enter("swallow"),
      async backUp() {
        await replica?.stop();
        const next = await startRedis(program, OPTIONS);
        replica = next;
        await next.cli("REPLICAOF", "127.0.0.1", String(engine.port));
        const isCopied = async () => (await next.cli("INFO", "replication")).includes("link_status:up");
        await eventually(isCopied, "the replica has it all");
        await next.cli("REPLICAOF", "NO", "ONE");
      },
      restart: () => engine.restart(),
      async age({ application, key }) {
        const log = `${EVIDENCE_PREFIX}{${PREFIX}${application}}:${key}`;
        const leftMs = Number(await engine.cli("PTTL", log));
        expect(leftMs).toBeGreaterThan(EVIDENCE_KEPT_MS - 60_000);
        expect(leftMs).toBeLessThanOrEqual(EVIDENCE_KEPT_MS);
        await engine.cli("PEXPIRE", log, "1");
        await eventually(async () => (await engine.cli("EXISTS", log)) === "0", "it has expired");
      },
      meter: { read: () => costs(engine), hourMax: HOUR_MAX },
      async failOver(state) {
        if (state === "empty") await replica?.cli("FLUSHALL");
        faults.failOver({ host: "127.0.0.1", port: replica?.port ?? 0 });
      },
      async recover() {
        if (faults.upstream !== upstream) faults.failOver(upstream);
        await faults.enter("pass");
        if ((await engine.cli("TYPE", `${PREFIX}garbage`)) === "string") {
          await engine.pipe(seeding("garbage", { canary: 0.25 }));
        }
      },
      async close() {
        await faults.stop();
        await engine.stop();
        await replica?.stop();
      },
    };
  };
  storeSuite(program, start, {
    "an older state counts at once if the engine counts no writes": "each of our writes is counted",
    "an engine that remembers tells what was, newest first": "Redis remembers nothing; its records do",
    "an engine with a history shows removals, also of the last record":
      "Redis remembers nothing; its records do",
    "what it needs may be made again, and changes nothing that is there": "Redis needs nothing to be made",
  });
  evidenceSuite(program, start, {
    "a watch is nudged soon after an append": "a read each two seconds costs less than the push",
  });
}

/** For each daemon of a fleet of three that all lead; `docs/stores/redis.md` has the figures. */
const HOUR_MAX = { entries: 900, memory: 800_000, evals: 3_300, bytesIn: 5_000_000, bytesOut: 2_200_000 };

/** The cost of the evidence in a Redis, by itself. */
async function costs({ cli }: RedisServer): Promise<Record<string, number>> {
  const keys = (await cli("KEYS", `${EVIDENCE_PREFIX}*`)).split("\n").filter((key) => key !== "");
  const sum = async (...words: readonly string[]) => {
    let total = 0;
    for (const key of keys) total += Number(await cli(...words, key));
    return total;
  };
  const [stats, commands] = [await cli("INFO", "stats"), await cli("INFO", "commandstats")];
  const figure = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0);
  return {
    entries: await sum("XLEN"),
    memory: await sum("MEMORY", "USAGE"),
    evals: figure(commands, /cmdstat_eval:calls=(\d+)/),
    bytesIn: figure(stats, /total_net_input_bytes:(\d+)/),
    bytesOut: figure(stats, /total_net_output_bytes:(\d+)/),
  };
}

/** The commands of an operator: all fields of the application's hash are written again, in one go. */
function seeding(application: string, records: Readonly<Record<string, unknown>>): string[][] {
  const key = `${PREFIX}${application}`;
  const fields = Object.entries(records).flatMap(([version, value]) => {
    const record = typeof value === "number" ? { rollout: value } : (value as Record<string, unknown>);
    return Object.entries(record).flatMap(([name, field]) => [
      name === "rollout" ? version : `${version}:${name}`,
      typeof field === "string" ? field : JSON.stringify(field),
    ]);
  });
  return [["MULTI"], ["DEL", key], ...(fields.length === 0 ? [] : [["HSET", key, ...fields]]), ["EXEC"]];
}
