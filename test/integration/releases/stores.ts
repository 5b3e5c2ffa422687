/** The real stores that a fleet of real daemons shares. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dynamodbMissing, startDynamodbLocal } from "../../support/dynamodb-local.ts";
import { etcdMissing, startEtcd } from "../../support/etcd.ts";
import { natsMissing, startNats } from "../../support/nats-server.ts";
import { ADMIN, hasPostgres, Postgres } from "../../support/postgres.ts";
import { redisMissing, startRedis } from "../../support/redis-server.ts";

export interface SharedStore {
  /** The daemons' `-store`. */
  readonly address: string;
  /** The environment that daemons and commands need for it. */
  readonly env: Readonly<Record<string, string>>;
  stop(): unknown;
}

export interface SharedStoreKind {
  readonly name: string;
  readonly missing: string | undefined;
  start(): Promise<SharedStore>;
}

export const FILE: SharedStoreKind = {
  name: "a file",
  missing: undefined,
  async start() {
    const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-shared-"));
    const path = join(directory, "rollouts.json");
    writeFileSync(path, "{}");
    const stop = () => rmSync(directory, { recursive: true, force: true });
    return { address: `file:${path}`, env: {}, stop };
  },
};

export const REDIS: SharedStoreKind = {
  name: "Redis",
  missing: redisMissing("redis-server"),
  async start() {
    const server = await startRedis("redis-server");
    return { address: `redis://127.0.0.1:${server.port}`, env: {}, stop: () => server.stop() };
  },
};

export const POSTGRES: SharedStoreKind = {
  name: "PostgreSQL",
  missing: hasPostgres ? undefined : "PostgreSQL is not installed; npm test gets it",
  async start() {
    const server = await Postgres.start();
    return { address: server.address(ADMIN), env: {}, stop: () => server.stop() };
  },
};

/** It has no clock. */
export const ETCD: SharedStoreKind = {
  name: "etcd",
  missing: etcdMissing(),
  async start() {
    const server = await startEtcd();
    return { address: `etcd://127.0.0.1:${server.port}`, env: {}, stop: () => server.stop() };
  },
};

export const NATS: SharedStoreKind = {
  name: "NATS",
  missing: natsMissing(),
  async start() {
    const server = await startNats();
    await server.init();
    return { address: `nats://127.0.0.1:${server.port}`, env: {}, stop: () => server.stop() };
  },
};

/** It has no push. */
export const DYNAMODB: SharedStoreKind = {
  name: "DynamoDB Local",
  missing: dynamodbMissing(),
  async start() {
    const server = await startDynamodbLocal();
    const address = "dynamodb://us-east-1/MaxwellsDaemon";
    return { address, env: server.environment, stop: () => server.stop() };
  },
};
