/**
 * Checks what a server sends before the driver acts upon it. Without it, a rogue server could fill the memory
 * of the daemon, or make the driver throw out of the handler of its socket, or write to standard error.
 */

import { StoreError } from "../store.ts";

/** The most bytes of an answer. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

export interface Stream {
  destroy(error?: Error): unknown;
  removeAllListeners(event: string): unknown;
}

interface Packet {
  readonly sequenceId: number;
}

/** The parts of the driver's connection that its types leave out. */
export interface OpenConnection {
  stream: Stream;
  packetParser: { execute(bytes: Buffer): void };
  /** The number that the next packet must have. */
  readonly sequenceId: number;
  /** Called without a packet when a command begins. */
  handlePacket(packet?: Packet): void;
  startTLS(secured: (error?: Error) => void): void;
}

export class Guard {
  /** Bytes since the last query began. */
  bytes = 0;
  /** The reason why the connection was ended. */
  fault: Error | undefined;
  /** The TLS stream over the socket, if there is one. */
  secure: Stream | undefined;
  readonly #socket: Stream;

  constructor(open: OpenConnection) {
    this.#socket = open.stream;
    const parser = open.packetParser;
    open.packetParser = { execute: (bytes) => this.#check(bytes, () => parser.execute(bytes)) };
    const handle = open.handlePacket.bind(open);
    open.handlePacket = (packet) => {
      if (packet !== undefined && packet.sequenceId !== open.sequenceId) throw new Error("out of order");
      handle(packet);
    };
  }

  destroy(): void {
    this.secure?.destroy();
    this.#socket.destroy();
  }

  #check(bytes: Buffer, parse: () => void): void {
    if (this.fault !== undefined) return;
    this.bytes += bytes.byteLength;
    try {
      if (this.bytes > ANSWER_BYTES_MAX) {
        const remedy = "delete versions that no daemon serves";
        throw new StoreError("malformed", `the answer is longer than ${ANSWER_BYTES_MAX} bytes; ${remedy}`);
      }
      parse();
    } catch (error) {
      const remedy = "check host and port, and every proxy on the way";
      this.fault =
        error instanceof StoreError
          ? error
          : new StoreError("malformed", `the server does not speak MariaDB's protocol; ${remedy}`);
      this.destroy();
    }
  }
}
