/** HAProxy's side of SPOP, for tests: frames written and read plainly, with none of the server's own code. */

import { connect, type NetConnectOpts, type Socket } from "node:net";

/** An answer must come within this time; a test that waits longer has failed. */
const ANSWER_TIMEOUT_MS = 5_000;

/** An integer of variable length, in HAProxy's way: arithmetic on big integers, after SPOE.txt's table. */
export function varint(value: number): Buffer {
  if (value < 240) return Buffer.of(value);
  const bytes = [Number((BigInt(value) & 15n) | 240n)];
  let rest = (BigInt(value) - 240n) >> 4n;
  for (; rest >= 128n; rest = (rest - 128n) >> 7n) bytes.push(Number((rest & 127n) | 128n));
  return Buffer.from([...bytes, Number(rest)]);
}

export function name(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([varint(bytes.length), bytes]);
}

/** Typed data: a string, NULL, a boolean, an unsigned integer of 32 bits; bytes are taken as they are. */
export function data(value: string | null | boolean | number | Uint8Array): Buffer {
  if (value === null) return Buffer.of(0);
  if (typeof value === "boolean") return Buffer.of(value ? 0x11 : 0x01);
  if (typeof value === "number") return Buffer.concat([Buffer.of(3), varint(value)]);
  return typeof value === "string" ? Buffer.concat([Buffer.of(8), name(value)]) : Buffer.from(value);
}

export type Pairs = readonly (readonly [name: string, value: Parameters<typeof data>[0]])[];

export function pairs(values: Pairs): Buffer {
  return Buffer.concat(values.flatMap(([key, value]) => [name(key), data(value)]));
}

export function message(text: string, values: Pairs): Buffer {
  return Buffer.concat([name(text), Buffer.of(values.length), pairs(values)]);
}

export interface FrameOptions {
  readonly stream?: number;
  readonly frame?: number;
  readonly flags?: number;
}

/** A whole frame with its length. */
export function frame(type: number, payload: Uint8Array, options: FrameOptions = {}): Buffer {
  const { stream = 0, frame: id = 0, flags = 1 } = options;
  const head = Buffer.alloc(5);
  head[0] = type;
  head.writeUInt32BE(flags, 1);
  const body = Buffer.concat([head, varint(stream), varint(id), payload]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

export function hello(...more: Pairs): Buffer {
  return frame(
    1,
    pairs([
      ["supported-versions", "2.0"],
      ["max-frame-size", 16_380],
      ["capabilities", "pipelining"],
      ...more,
    ]),
  );
}

export function notify(payload: Uint8Array, stream = 0, id = 1): Buffer {
  return frame(3, payload, { stream, frame: id });
}

/** A frame that the daemon sent, read. */
export interface Answer {
  readonly type: number;
  readonly stream: number;
  readonly frame: number;
  /** Variables of an ACK, by name; names and values of the others. */
  readonly values: Readonly<Record<string, string | number>>;
}

/** Reads one whole frame, without its length. Throws if it does not follow SPOE.txt. */
export function readAnswer(bytes: Buffer): Answer {
  let at = 0;
  const byte = () => {
    const value = bytes[at++];
    if (value === undefined) throw new Error(`the frame ends at ${at}: ${bytes.toString("hex")}`);
    return value;
  };
  const number = () => {
    let value = byte();
    if (value < 240) return value;
    for (let shift = 4, last = 128; last >= 128; shift += 7) {
      last = byte();
      value += last * 2 ** shift;
    }
    return value;
  };
  const text = () => {
    const length = number();
    at += length;
    if (at > bytes.length) throw new Error("a string goes over the end");
    return bytes.toString("latin1", at - length, at);
  };
  const value = () => {
    const type = byte();
    if (type === 8) return text();
    if (type === 3) return number();
    throw new Error(`type ${type} is not expected`);
  };
  const type = byte();
  if (bytes.readUInt32BE(at) !== 1) throw new Error("an answer has to be whole");
  at += 4;
  const stream = number();
  const id = number();
  const values: Record<string, string | number> = {};
  while (at < bytes.length) {
    if (type === 103 && (byte() !== 1 || byte() !== 3 || byte() !== 2)) throw new Error("no set-var of txn");
    const key = text();
    values[key] = value();
  }
  return { type, stream, frame: id, values };
}

export class SpopClient {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  /** How many bytes came by each event. */
  readonly pieces: number[] = [];
  #closed = false;
  #woken: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.pieces.push(bytes.length);
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#woken?.();
    });
    socket.on("error", () => {});
    for (const event of ["close", "end"] as const) {
      socket.on(event, () => {
        this.#closed = true;
        this.#woken?.();
      });
    }
  }

  static async connect(to: NetConnectOpts): Promise<SpopClient> {
    const socket = connect({ allowHalfOpen: true, ...to });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new SpopClient(socket);
  }

  /** A connection that has said HELLO and was answered. */
  static async greeted(to: NetConnectOpts): Promise<SpopClient> {
    const client = await SpopClient.connect(to);
    client.send(hello());
    const { type } = await client.next();
    if (type !== 101) throw new Error(`greeted by a frame of type ${type}`);
    return client;
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next frame that came. */
  async next(): Promise<Answer> {
    const deadline = Date.now() + ANSWER_TIMEOUT_MS;
    for (;;) {
      if (this.#received.length >= 4) {
        const end = 4 + this.#received.readUInt32BE(0);
        if (this.#received.length >= end) {
          const answer = readAnswer(this.#received.subarray(4, end));
          this.#received = this.#received.subarray(end);
          return answer;
        }
      }
      if (this.#closed) throw new Error(`closed after ${this.#received.toString("hex")}`);
      await this.#wait(deadline);
    }
  }

  /** Bytes that have arrived and that `next` has not taken. */
  get received(): Buffer {
    return this.#received;
  }

  /** Resolves when the server has ended its side. */
  async ended(): Promise<void> {
    const deadline = Date.now() + ANSWER_TIMEOUT_MS;
    while (!this.#closed) await this.#wait(deadline);
  }

  close(): void {
    this.socket.destroy();
  }

  async #wait(deadline: number): Promise<void> {
    const remainingMs = deadline - Date.now();
    if (remainingMs <= 0) throw new Error(`no answer; so far ${this.#received.toString("hex")}`);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, remainingMs);
      this.#woken = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
