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
  /** The first half of a request arrives, and then the end of the connection. */
  | "halve"
  /** A request arrives. In place of its answer comes a reset. */
  | "lose"
  /** A request arrives, and its answer comes late. */
  | "late"
  /** Answers are of the right length, and rubbish. */
  | "garbage";

const SLOW_EVERY_MS = 50;
export const CUT_AFTER_BYTES = 5;

/** The delay of a late answer. */
export const LATE_MS = 600;

export interface Upstream {
  readonly host: string;
  readonly port: number;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Answers to this connection are dropped for ever, though others pass. */
  isSwallowed: boolean;
  /** Bytes of answers that passed since the network began to cut. */
  passed: number;
  /** Late answers that are still to come. Others do not overtake them. */
  readonly late: Buffer[];
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
  /** In the mode `cut`, an answer ends after this number of bytes. */
  cutAfterBytes = CUT_AFTER_BYTES;

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
    for (const pair of this.#pairs) pair.passed = 0;
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
    const pair: Pair = { client, server, isSwallowed: false, passed: 0, late: [] };
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
    else if (this.#mode === "halve") this.#halve(pair, bytes);
    else if (this.#mode !== "swallow" && !pair.isSwallowed) pair.server.write(bytes);
  }

  #down(pair: Pair, bytes: Buffer): void {
    this.bytesDown += bytes.length;
    const { client } = pair;
    if (pair.isSwallowed) return;
    switch (this.#mode) {
      case "pass":
        if (pair.late.length > 0) this.#delay(pair, bytes);
        else client.write(bytes);
        return;
      case "late":
        this.#delay(pair, bytes);
        return;
      case "slow":
        void this.#trickle(client, bytes);
        return;
      case "cut":
        this.#cut(pair, bytes);
        return;
      case "garbage":
        client.write(Buffer.alloc(bytes.length, "\u0001\u00ff{]$*-1\r\n", "latin1"));
        return;
      case "reset":
      case "lose":
        this.#reset(pair);
    }
  }

  #cut(pair: Pair, bytes: Buffer): void {
    const room = this.cutAfterBytes - pair.passed;
    pair.passed += bytes.length;
    if (bytes.length < room) pair.client.write(bytes);
    else pair.client.end(bytes.subarray(0, Math.max(0, room)));
  }

  #halve(pair: Pair, bytes: Buffer): void {
    pair.server.end(bytes.subarray(0, bytes.length / 2));
    this.#pairs.delete(pair);
    pair.client.destroy();
  }

  #delay(pair: Pair, bytes: Buffer): void {
    if (pair.late.push(bytes) > 1) return;
    setTimeout(() => {
      for (const late of pair.late.splice(0)) if (!pair.client.destroyed) pair.client.write(late);
    }, LATE_MS);
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
