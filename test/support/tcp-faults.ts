/**
 * A TCP proxy between a store and its engine that fails like networks do. It works for any protocol, also an
 * encrypted one. A mode applies to open connections as well as to new ones.
 */

import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./port.ts";

export type FaultMode =
  /** Bytes pass, both ways. */
  | "pass"
  /** No program listens, and open connections are reset. */
  | "refuse"
  /** Connections are accepted, and reset at the first request. */
  | "reset"
  /** Everything is accepted, and nothing comes back: a firewall that drops, a machine that froze. */
  | "swallow"
  /** Answers come a byte at a time, with long pauses. */
  | "slow"
  /** The beginning of an answer comes, and then the end of the connection. */
  | "cut"
  /** Answers are of the right length, and rubbish. */
  | "garbage";

const SLOW_EVERY_MS = 50;
const CUT_AFTER_BYTES = 5;

export interface Upstream {
  readonly host: string;
  readonly port: number;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Answers to this connection are dropped for ever, though others pass. */
  isSwallowed: boolean;
}

export class TcpFaults {
  /** Its own port, on 127.0.0.1. */
  readonly port: number;
  /** New connections go to this port. Open ones stay. */
  upstream: Upstream;
  #mode: FaultMode = "pass";
  #server: Server | undefined;
  readonly #pairs = new Set<Pair>();
  /** Bytes that engines sent and clients were sent to receive; for measuring what a store costs. */
  bytesDown = 0;
  bytesUp = 0;

  private constructor(upstream: Upstream, port: number) {
    this.port = port;
    this.upstream = upstream;
  }

  static async start(upstream: Upstream): Promise<TcpFaults> {
    const faults = new TcpFaults(upstream, await freePort());
    await faults.#listen();
    return faults;
  }

  get mode(): FaultMode {
    return this.#mode;
  }

  async enter(mode: FaultMode): Promise<void> {
    this.#mode = mode;
    if (mode === "refuse") {
      this.#resetAll();
      await this.#unlisten();
    } else {
      await this.#listen();
    }
  }

  /** Open connections receive nothing any more, but new ones do. So a push is lost without an error. */
  swallowOpen(): void {
    for (const pair of this.#pairs) pair.isSwallowed = true;
  }

  /** Ends connections that are open. */
  resetOpen(): void {
    this.#resetAll();
  }

  /** Another server takes the place of the old one, and open connections end. */
  failOver(upstream: Upstream): void {
    this.upstream = upstream;
    this.#resetAll();
  }

  get open(): number {
    return this.#pairs.size;
  }

  async stop(): Promise<void> {
    this.#resetAll();
    await this.#unlisten();
  }

  async #listen(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ allowHalfOpen: true }, (client) => this.#connected(client));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.port, "127.0.0.1", resolve);
    });
    this.#server = server;
  }

  async #unlisten(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  #connected(client: Socket): void {
    const server = connect({ ...this.upstream, allowHalfOpen: true });
    const pair: Pair = { client, server, isSwallowed: false };
    this.#pairs.add(pair);
    client.setNoDelay(true);
    server.setNoDelay(true);
    client.on("data", (bytes: Buffer) => this.#up(pair, bytes));
    server.on("data", (bytes: Buffer) => this.#down(pair, bytes));
    client.on("end", () => server.end());
    server.on("end", () => {
      if (this.#mode !== "swallow" && !pair.isSwallowed) client.end();
    });
    for (const socket of [client, server]) {
      socket.on("error", () => this.#reset(pair));
      socket.on("close", () => this.#reset(pair));
    }
  }

  #up(pair: Pair, bytes: Buffer): void {
    this.bytesUp += bytes.length;
    if (this.#mode === "reset") this.#reset(pair);
    else if (this.#mode !== "swallow" && !pair.isSwallowed) pair.server.write(bytes);
  }

  #down(pair: Pair, bytes: Buffer): void {
    this.bytesDown += bytes.length;
    const { client } = pair;
    if (pair.isSwallowed) return;
    switch (this.#mode) {
      case "pass":
        client.write(bytes);
        return;
      case "slow":
        void this.#trickle(client, bytes);
        return;
      case "cut":
        client.end(bytes.subarray(0, CUT_AFTER_BYTES));
        return;
      case "garbage":
        client.write(Buffer.alloc(bytes.length, "\u0001\u00ff{]$*-1\r\n", "latin1"));
        return;
      case "reset":
        this.#reset(pair);
    }
  }

  async #trickle(client: Socket, bytes: Buffer): Promise<void> {
    for (const byte of bytes) {
      if (client.destroyed) return;
      client.write(Buffer.of(byte));
      await Bun.sleep(SLOW_EVERY_MS);
    }
  }

  #resetAll(): void {
    for (const pair of this.#pairs) this.#reset(pair);
  }

  #reset(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    pair.client.resetAndDestroy();
    pair.server.destroy();
  }
}
