/**
 * The client of MariaDB after an error. The driver is a stand-in, because no server refuses a ROLLBACK on
 * demand.
 */

import { expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import { parseMariadbAddress } from "../../../src/stores/mariadb/address.ts";
import { type Driver, MariadbClient } from "../../../src/stores/mariadb/client.ts";
import { soon } from "../../support/store-calls.ts";

/** The server's "query execution was interrupted". */
const INTERRUPTED = Object.assign(new Error("interrupted"), { errno: 1317, sqlState: "70100" });

/** A connection that answers all statements except `refused`. */
class StandIn extends EventEmitter {
  readonly stream = { destroy() {}, removeAllListeners() {} };
  readonly packetParser = { execute() {} };
  readonly sequenceId = 0;
  readonly #refused: string;

  constructor(refused: string) {
    super();
    this.#refused = refused;
    queueMicrotask(() => this.emit("connect"));
  }

  handlePacket(): void {}

  query(text: string, done: (error: Error | null, result: unknown) => void): void {
    queueMicrotask(() => (text === this.#refused ? done(INTERRUPTED, undefined) : done(null, [])));
  }
}

async function clientThatRefuses(refused: string): Promise<MariadbClient> {
  const driver = { createConnection: () => new StandIn(refused) } as unknown as Driver;
  const address = parseMariadbAddress("mariadb", "//admin@127.0.0.1/suite");
  if (typeof address === "string") throw new Error(address);
  return MariadbClient.open({ driver, address, environment: {}, statementTimeoutMs: 1_000 }, soon());
}

test("a ROLLBACK that fails ends the connection, because the next transaction would commit the rest", async () => {
  const client = await clientThatRefuses("ROLLBACK");
  await expect(client.query("ROLLBACK", [], soon())).rejects.toBe(INTERRUPTED);
  expect(client.isGone).toBe(true);
});

test("any other statement that the server refuses leaves the connection", async () => {
  const client = await clientThatRefuses("SELECT 1");
  await expect(client.query("SELECT 1", [], soon())).rejects.toBe(INTERRUPTED);
  expect(client.isGone).toBe(false);
});
