/** Stands between the socket and the driver's parser, and refuses packets that are out of order. */

import { AnswerGuard } from "../sql/answer-guard.ts";

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

export class Guard extends AnswerGuard {
  /** The TLS stream over the socket, if there is one. */
  secure: Stream | undefined;
  readonly #socket: Stream;

  constructor(open: OpenConnection) {
    super("MariaDB");
    this.#socket = open.stream;
    const parser = open.packetParser;
    open.packetParser = { execute: (bytes) => this.check(bytes, () => parser.execute(bytes)) };
    const handle = open.handlePacket.bind(open);
    open.handlePacket = (packet) => {
      // The driver would write to standard error.
      if (packet !== undefined && packet.sequenceId !== open.sequenceId) throw new Error("out of order");
      handle(packet);
    };
  }

  destroy(): void {
    this.secure?.destroy();
    this.#socket.destroy();
  }
}
