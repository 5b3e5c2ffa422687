import { openStore } from "../../src/stores/list.ts";
import type { Store } from "../../src/stores/store.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisProgram, type RedisServer, redisMissing, startRedis } from "../support/redis-server.ts";
import { TcpFaults } from "../support/tcp-faults.ts";
import { evidenceSuite } from "./evidence-suite.ts";
import { type StoreHarness, storeSuite } from "./store-suite.ts";

const PREFIX = "maxwells-daemon:";
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
