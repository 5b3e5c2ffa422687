/**
 * The stores' servers for the benchmark: each is a real one, with temporary files, behind a proxy that counts
 * bytes.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { sdkEnvironment, startDynamodbLocal } from "../../test/support/dynamodb-local.ts";
import { etcdMissing, startEtcd } from "../../test/support/etcd.ts";
import { hasMariadb, ADMIN as MARIADB_ADMIN, Mariadb } from "../../test/support/mariadb.ts";
import { natsMissing, startNats } from "../../test/support/nats-server.ts";
import { nginxMissing, startNginx } from "../../test/support/nginx.ts";
import { freePort } from "../../test/support/port.ts";
import { ADMIN, hasPostgres, Postgres } from "../../test/support/postgres.ts";
import { redisMissing, startRedis } from "../../test/support/redis-server.ts";
import { TcpFaults } from "../../test/support/tcp-faults.ts";
import type { Setup } from "../setup.ts";
import { directoryOf, type Stops } from "../ways.ts";

/** A running server of a store. */
export interface RunningEngine {
  /** The daemons' `-store`. */
  readonly address: string;
  /** The environment that daemons and operators need for it. */
  readonly env?: Readonly<Record<string, string>>;
  /** The proxy between the daemons and the server; absent if the store needs no network. */
  readonly network?: TcpFaults;
  /** The operator's address, if it differs. */
  readonly operator?: string;
}

export interface Engine {
  readonly name: string;
  /** Whether the store pushes changes; otherwise daemons poll it every `delay`. */
  readonly isPush: boolean;
  /** If daemons look for changes more often than every `delay`: how often. */
  readonly lookEveryMs?: number;
  missing(): string | undefined;
  start(stops: Stops): Promise<RunningEngine>;
}

const TABLE = "MaxwellsDaemon";

/** The engines of a run. */
export function enginesOf({ stores }: Setup): readonly Engine[] {
  return ENGINES.filter(({ name }) => stores === undefined || stores.includes(name));
}

export const ENGINES: readonly Engine[] = [
  {
    name: "file",
    isPush: true,
    missing: () => undefined,
    async start(stops) {
      const path = join(directoryOf(stops), "rollouts.json");
      writeFileSync(path, "{}");
      return { address: `file:${path}` };
    },
  },
  {
    name: "redis",
    isPush: true,
    missing: () => redisMissing("redis-server"),
    async start(stops) {
      const server = await startRedis("redis-server");
      stops.push(() => server.stop());
      const network = await networkTo(server.port, stops);
      return { address: `redis://127.0.0.1:${network.port}`, network };
    },
  },
  {
    name: "etcd",
    isPush: true,
    missing: etcdMissing,
    async start(stops) {
      const server = await startEtcd();
      stops.push(() => server.stop());
      const network = await networkTo(server.port, stops);
      return { address: `etcd://127.0.0.1:${network.port}`, network };
    },
  },
  {
    name: "nats",
    isPush: true,
    missing: natsMissing,
    async start(stops) {
      const server = await startNats();
      stops.push(() => server.stop());
      await server.init();
      const network = await networkTo(server.port, stops);
      return { address: `nats://127.0.0.1:${network.port}`, network };
    },
  },
  {
    name: "postgres",
    isPush: true,
    missing: () => (hasPostgres ? undefined : "PostgreSQL is not installed; npm test gets it"),
    async start(stops) {
      // Two connections for each daemon, and some for the operator.
      const server = await Postgres.start({ connectionsMax: 150 });
      stops.push(() => server.stop());
      const network = await networkTo(server.port, stops);
      return { address: server.address(ADMIN, network.port), network };
    },
  },
  {
    name: "mariadb",
    isPush: false,
    lookEveryMs: 500,
    missing: () => (hasMariadb ? undefined : "MariaDB is not installed; npm test gets it"),
    async start(stops) {
      const server = await Mariadb.start();
      stops.push(() => server.stop());
      await server.withDatabase("suite");
      const network = await networkTo(server.port, stops);
      return { address: server.address(MARIADB_ADMIN, network.port), network };
    },
  },
  {
    name: "http",
    isPush: false,
    missing: nginxMissing,
    async start(stops) {
      const directory = directoryOf(stops);
      const path = join(directory, "rollouts.json");
      writeFileSync(path, "{}");
      const port = await freePort();
      const nginx = await startNginx(
        directory,
        port,
        `server { listen 127.0.0.1:${port}; root ${directory}; }`,
      );
      stops.push(() => nginx.stop());
      const network = await networkTo(port, stops);
      const address = `http://127.0.0.1:${network.port}/rollouts.json`;
      return { address, network, operator: `file:${path}` };
    },
  },
  {
    name: "dynamodb",
    isPush: false,
    missing: () => (Bun.which("java") ? undefined : "there is no Java"),
    async start(stops) {
      const engine = await startDynamodbLocal();
      stops.push(() => engine.stop());
      await engine.createTable(TABLE);
      const network = await networkTo(engine.port, stops);
      const env = sdkEnvironment(`http://127.0.0.1:${network.port}`);
      return { address: `dynamodb://us-east-1/${TABLE}`, env, network };
    },
  },
];

export async function networkTo(port: number, stops: Stops): Promise<TcpFaults> {
  const network = await TcpFaults.start({ host: "127.0.0.1", port });
  stops.push(() => network.stop());
  return network;
}
