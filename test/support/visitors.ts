/**
 * Visitors of a proxy: requests over HTTP/1.1 with their bytes under control, on connections that are kept
 * and used again, as browsers do. Everything that a visitor would see as an error is one here: a connection
 * that is refused or reset, one that ends before its reply, a malformed reply.
 */

import type { Socket } from "bun";

const REPLY_TIMEOUT_MS = 15_000;

export interface Reply {
  readonly status: number;
  /** By lower-case name, the lines of one name joined by commas; `set-cookie` is in `cookies`. */
  readonly headers: ReadonlyMap<string, string>;
  readonly cookies: readonly string[];
  readonly body: string;
  readonly tookMs: number;
}

export interface Visit {
  readonly method?: string;
  readonly target?: string;
  /** In the order given, and any of them more than once. Each character is a byte. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
  readonly beganMs: number;
}

/** One persistent connection. */
class Connection {
  waiting: Waiting | undefined;
  isOpen = true;
  readonly socket: Socket<Connection>;
  readonly #onFree: (connection: Connection) => void;
  #received = "";

  constructor(socket: Socket<Connection>, onFree: (connection: Connection) => void) {
    this.socket = socket;
    this.#onFree = onFree;
  }

  receive(chunk: string): void {
    this.#received += chunk;
    const { waiting } = this;
    if (waiting === undefined) {
      this.#fail("bytes without a request");
      return;
    }
    const reply = readReply(this.#received, performance.now() - waiting.beganMs);
    if (reply === undefined) return;
    this.#received = this.#received.slice(reply.end);
    this.waiting = undefined;
    if (reply.isLast || this.#received !== "") this.close();
    else this.#onFree(this);
    waiting.resolve(reply);
  }

  ended(): void {
    this.isOpen = false;
    this.#fail(`the connection ended, after ${JSON.stringify(this.#received.slice(0, 200))}`);
  }

  close(): void {
    this.isOpen = false;
    this.socket.end();
  }

  #fail(why: string): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.reject(new Error(why));
  }
}

export class Visitors {
  readonly #port: number;
  readonly #isTls: boolean;
  readonly #free: Connection[] = [];
  readonly #all = new Set<Connection>();

  /** @param port on 127.0.0.1 */
  constructor(port: number, isTls = false) {
    this.#port = port;
    this.#isTls = isTls;
  }

  /** One request. Rejects if the visitor would see a broken connection. */
  async visit({ method = "GET", target = "/", headers = [], body = "" }: Visit = {}): Promise<Reply> {
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const length = body === "" ? "" : `content-length: ${body.length}\r\n`;
    const request = `${method} ${target} HTTP/1.1\r\nhost: localhost\r\n${lines}${length}\r\n${body}`;
    const beganMs = performance.now();
    const connection = this.#take() ?? (await this.#open());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        connection.close();
        reject(new Error(`no reply within ${REPLY_TIMEOUT_MS} ms`));
      }, REPLY_TIMEOUT_MS);
      const settled = <Value>(settle: (value: Value) => void) => {
        return (value: Value) => {
          clearTimeout(timer);
          settle(value);
        };
      };
      connection.waiting = { resolve: settled(resolve), reject: settled(reject), beganMs };
      writeAll(connection.socket, Buffer.from(request, "latin1"));
    });
  }

  close(): void {
    for (const connection of this.#all) connection.close();
    this.#all.clear();
    this.#free.length = 0;
  }

  #take(): Connection | undefined {
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      if (free.isOpen) return free;
    }
    return undefined;
  }

  async #open(): Promise<Connection> {
    let opened: Connection | undefined;
    const socket = await Bun.connect<Connection>({
      hostname: "127.0.0.1",
      port: this.#port,
      ...(this.#isTls ? { tls: { rejectUnauthorized: false } } : {}),
      socket: {
        data: (_, chunk) => opened?.receive(chunk.toString("latin1")),
        drain: (writer) => writeAll(writer, NOTHING),
        end: (ending) => {
          ending.end();
        },
        close: () => {
          if (opened !== undefined) this.#all.delete(opened);
          opened?.ended();
        },
        error: (_, error) => {
          opened?.waiting?.reject(error);
        },
      },
    });
    opened = new Connection(socket, (free) => this.#free.push(free));
    this.#all.add(opened);
    return opened;
  }
}

const NOTHING = Buffer.alloc(0);
const unsent = new WeakMap<object, Buffer>();

/** Bytes that the kernel does not take wait for `drain`. */
function writeAll(socket: Socket<Connection>, bytes: Buffer): void {
  const before = unsent.get(socket);
  const all = before === undefined ? bytes : Buffer.concat([before, bytes]);
  const sent = Math.max(0, socket.write(all));
  if (sent < all.length) unsent.set(socket, all.subarray(sent));
  else unsent.delete(socket);
}

interface ReadReply extends Reply {
  /** The position of its end in the received text. */
  readonly end: number;
  /** The server closes the connection behind it. */
  readonly isLast: boolean;
}

/** The reply at the beginning of `text`, or undefined while it is not whole. */
function readReply(text: string, tookMs: number): ReadReply | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [first = "", ...lines] = text.slice(0, headEnd).split("\r\n");
  const headers = new Map<string, string>();
  const cookies: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "set-cookie") cookies.push(value);
    else headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
  }
  const body = readBody(text, headEnd + 4, headers);
  if (body === undefined) return undefined;
  const isLast = headers.get("connection")?.toLowerCase() === "close";
  return { status: Number(first.split(" ")[1]), headers, cookies, ...body, tookMs, isLast };
}

function readBody(
  text: string,
  start: number,
  headers: ReadonlyMap<string, string>,
): { body: string; end: number } | undefined {
  if (headers.get("transfer-encoding") !== "chunked") {
    const end = start + Number(headers.get("content-length") ?? 0);
    return text.length < end ? undefined : { body: text.slice(start, end), end };
  }
  let body = "";
  for (let at = start; ; ) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const length = Number.parseInt(text.slice(at, lineEnd), 16);
    const end = lineEnd + 2 + length;
    if (text.length < end + 2) return undefined;
    if (length === 0) return { body, end: end + 2 };
    body += text.slice(lineEnd + 2, end);
    at = end + 2;
  }
}
