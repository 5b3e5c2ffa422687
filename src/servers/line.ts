/**
 * The line protocol over unix and TCP sockets: the default server, and the fastest.
 *
 * The path of a request: `data` → `#consume` splits lines → `readRequest` → handler → `writeReply` into one output
 * buffer that all connections share → one `write` for everything that arrived together. A connection costs an object
 * of a few fields; a request costs none.
 *
 * A client that asks without reading stops being read: what the kernel did not take (`unsent`) and what was not yet
 * answered (`unread`) wait with its connection, bounded by what one read brings and, over all connections, by
 * `WAITING_BYTES_MAX`.
 */

import { readFileSync } from "node:fs";
import type { Socket, SocketHandler, UnixSocketOptions } from "bun";
import {
  type Address,
  addressText,
  parseAddress,
  parseDuration,
  parseMode,
  repeatable,
  single,
  unixAddress,
} from "../config/values.ts";
import { type Decision, emptyRequest } from "../handler.ts";
import type { ServerCounts } from "../metrics.ts";
import { LF, LINE_BYTES_MAX, readRequest, writeReply } from "./line-codec.ts";
import { ANSWER_BYTES_MAX, answerQuestion } from "./questions.ts";
import { DRAIN_MS, type Server, type ServerContext, type ServerKind } from "./server.ts";
import { SocketFile } from "./socket-file.ts";

/** Connections that one listener holds; the next one is closed at once, so its proxy goes on to master. */
const CONNECTIONS_MAX = 32_768;

/** File descriptors that are left for the store, monitors, logs and the admin listener. */
const DESCRIPTORS_RESERVED = 64;

/** What may wait for slow readers over all connections of a listener; who would go over it is cut off. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;

const OUT_BYTES = 65_536;
const QUESTION_MARK = 0x3f;

/** A closing server first lets what has already arrived come in, for this long. */
const ARRIVED_MS = 50;

export const socket = single<Address>(
  {
    name: "socket",
    placeholder: "PATH",
    summary: "the unix socket of the line protocol",
    defaultText: "/tmp/maxwells-daemon.sock",
  },
  unixAddress,
);

export const listen = repeatable<Address>(
  {
    name: "listen",
    placeholder: "ADDRESS",
    summary: "one more listener of the line protocol: unix:PATH, tcp:HOST:PORT, or fd:3 as systemd passes it",
    absent: [],
  },
  parseAddress,
);

export const socketMode = single(
  {
    name: "socket-mode",
    placeholder: "MODE",
    summary: "who may connect to unix sockets, in octal",
    defaultText: "0666",
  },
  parseMode,
);

export const idleTimeout = single(
  {
    name: "idle-timeout",
    placeholder: "DURATION",
    summary: "when a silent connection is closed; 0 closes after each reply, as in 2016",
    defaultText: "60s",
  },
  parseDuration,
);

export const line: ServerKind = {
  name: "line",
  options: [socket, listen, socketMode, idleTimeout],
  create(settings, context) {
    return [settings.get(socket), ...settings.get(listen)].map(
      (address) =>
        new LineServer(context, {
          address,
          socketMode: settings.get(socketMode),
          idleTimeoutMs: settings.get(idleTimeout),
        }),
    );
  },
};

export interface LineServerOptions {
  readonly address: Address;
  readonly socketMode: number;
  /** 0: a connection ends with its first reply. */
  readonly idleTimeoutMs: number;
}

/** The part of Bun's listeners that is used here. */
interface Listener {
  readonly port?: number;
  stop(closeActiveConnections?: boolean): void;
}

/** What is kept about a connection between two events. */
class Connection {
  activeAtMs: number;
  /** The beginning of a line whose end has not arrived. */
  partial: Uint8Array | null = null;
  /** Inside a line that is already too long. */
  isOverlong = false;
  /** Bytes of replies that the kernel did not take. */
  unsent: Uint8Array | null = null;
  /** Requests that are answered when `unsent` is gone. */
  unread: Uint8Array | null = null;
  /** The client sends no more. */
  hasEnded = false;
  /** Nothing is answered any more; the socket only has to go. */
  isClosing = false;

  constructor(nowMs: number) {
    this.activeAtMs = nowMs;
  }

  get waitingBytes(): number {
    return (this.unsent?.length ?? 0) + (this.unread?.length ?? 0);
  }
}

export class LineServer implements Server {
  readonly name: string;
  readonly #options: LineServerOptions;
  readonly #context: ServerContext;
  readonly #clock: () => number;
  readonly #counts: ServerCounts;
  readonly #connections = new Set<Socket<Connection>>();
  readonly #connectionsMax = connectionsMax();
  readonly #request = emptyRequest();
  readonly #decision: Decision;
  readonly #out = Buffer.allocUnsafeSlow(OUT_BYTES);
  readonly #closesAfterReply: boolean;
  #waitingBytes = 0;
  #listener: Listener | undefined;
  #file: SocketFile | undefined;
  #sweep: ReturnType<typeof setInterval> | undefined;

  constructor(context: ServerContext, options: LineServerOptions) {
    this.name = `line ${addressText(options.address)}`;
    this.#options = options;
    this.#context = context;
    this.#clock = context.clock;
    this.#decision = context.handler.emptyDecision();
    this.#counts = context.metrics.server(this.name);
    this.#closesAfterReply = options.idleTimeoutMs === 0;
  }

  /** The port of a TCP listener, once it listens: what port 0 became. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  async start(): Promise<void> {
    const { address, socketMode: mode } = this.#options;
    const common = { socket: this.#handlers(), allowHalfOpen: true };
    if (address.kind === "tcp") {
      this.#listener = Bun.listen<Connection>({ ...common, hostname: address.host, port: address.port });
    } else if (address.kind === "fd") {
      // Bun takes a descriptor here; its types know that only of `Bun.connect`.
      const options = { ...common, fd: address.fd } as unknown as UnixSocketOptions<Connection>;
      this.#listener = Bun.listen<Connection>(options);
    } else {
      const file = new SocketFile(address.path, mode);
      const listener = Bun.listen<Connection>({ ...common, unix: file.temporaryPath });
      try {
        if (file.publish()) this.#context.log.info("took over the socket", { path: address.path });
      } catch (error) {
        listener.stop(true);
        throw error;
      }
      this.#file = file;
      this.#listener = listener;
    }
    this.#startSweep();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    this.#file?.release();
    await Bun.sleep(ARRIVED_MS);
    this.#listener?.stop(false);
    for (const client of this.#connections) {
      client.data.hasEnded = true;
      if (client.data.unsent === null) this.#end(client);
    }
    const deadlineMs = this.#clock() + DRAIN_MS;
    while (this.#connections.size > 0 && this.#clock() < deadlineMs) await Bun.sleep(5);
    for (const client of this.#connections) client.terminate();
    this.#listener?.stop(true);
  }

  #handlers(): SocketHandler<Connection> {
    return {
      open: (client) => this.#open(client),
      data: (client, chunk) => this.#data(client, chunk),
      drain: (client) => this.#drain(client),
      end: (client) => this.#clientEnded(client),
      close: (client) => this.#closed(client),
      error: (client, error) => {
        // A bug of ours, not of the client: Bun hands over what a handler threw.
        this.#counts.failure++;
        this.#context.log.error("a connection failed", { server: this.name, error: error.message });
        client.terminate();
      },
    };
  }

  #open(client: Socket<Connection>): void {
    client.data = new Connection(this.#clock());
    if (this.#connections.size >= this.#connectionsMax) {
      this.#counts.refused++;
      client.data.isClosing = true;
      client.terminate();
      this.#context.log.warn("too many connections; new ones are closed", {
        server: this.name,
        limit: this.#connectionsMax,
      });
      return;
    }
    this.#connections.add(client);
    this.#counts.accepted++;
    this.#counts.connections++;
  }

  #closed(client: Socket<Connection>): void {
    if (!this.#connections.delete(client)) return;
    this.#counts.connections--;
    this.#waitingBytes -= client.data.waitingBytes;
  }

  #data(client: Socket<Connection>, chunk: Uint8Array): void {
    const connection = client.data;
    if (connection.isClosing) return;
    const nowMs = this.#clock();
    connection.activeAtMs = nowMs;
    if (connection.unsent === null) {
      this.#consume(client, connection, chunk, nowMs);
      return;
    }
    // Reading was paused, and this had been read already.
    this.#wait(connection, () => {
      connection.unread =
        connection.unread === null ? chunk.slice() : Buffer.concat([connection.unread, chunk]);
    });
    this.#cutOffIfTooMuchWaits(client);
  }

  /** Answers all whole lines of `chunk` and keeps its rest. */
  #consume(client: Socket<Connection>, connection: Connection, chunk: Uint8Array, nowMs: number): void {
    let start = 0;
    let at = 0;
    let answered = 0;
    if (connection.partial !== null || connection.isOverlong) {
      const end = chunk.indexOf(LF);
      if (end < 0) {
        this.#keep(connection, chunk, 0);
        return;
      }
      at = this.#answerKept(connection, chunk, end, nowMs);
      start = end + 1;
      answered = 1;
    }
    while (start < chunk.length && !(this.#closesAfterReply && answered > 0)) {
      const end = chunk.indexOf(LF, start);
      if (end < 0) break;
      at = this.#answer(chunk, start, end, at, nowMs);
      answered++;
      start = end + 1;
      if (at > OUT_BYTES - ANSWER_BYTES_MAX) {
        if (!this.#flush(client, connection, at)) {
          this.#count(answered, nowMs);
          this.#wait(connection, () => {
            connection.unread = start < chunk.length ? chunk.slice(start) : null;
          });
          this.#cutOffIfTooMuchWaits(client);
          return;
        }
        at = 0;
      }
    }
    if (answered === 0) {
      this.#keep(connection, chunk, start);
      return;
    }
    if (!this.#closesAfterReply && start < chunk.length) this.#keep(connection, chunk, start);
    const isSent = at === 0 || this.#flush(client, connection, at);
    this.#count(answered, nowMs);
    if (this.#closesAfterReply) {
      connection.hasEnded = true;
      if (isSent) this.#end(client);
    } else if (!isSent) {
      this.#cutOffIfTooMuchWaits(client);
    }
  }

  /** Answers the line `bytes[start, end)` at `#out[at]`; returns where the next answer may begin. */
  #answer(bytes: Uint8Array, start: number, end: number, at: number, nowMs: number): number {
    if (bytes[start] === QUESTION_MARK && end - start < LINE_BYTES_MAX) {
      const question = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
      const context = {
        handler: this.#context.handler,
        rollout: this.#context.rollout,
        decision: this.#decision,
      };
      const answer = answerQuestion(question, context, nowMs);
      if (answer !== undefined) return at + this.#out.write(answer, at, "latin1");
    }
    readRequest(bytes, start, end, this.#request);
    this.#context.handler.decide(this.#request, nowMs, this.#decision);
    return writeReply(this.#out, at, this.#decision, this.#request, bytes, start, end);
  }

  /** Answers the line that began in earlier chunks and ends at `chunk[end]`. */
  #answerKept(connection: Connection, chunk: Uint8Array, end: number, nowMs: number): number {
    const { partial, isOverlong } = connection;
    connection.partial = null;
    connection.isOverlong = false;
    if (isOverlong || (partial?.length ?? 0) + end >= LINE_BYTES_MAX) {
      this.#request.valid = false;
      this.#context.handler.decide(this.#request, nowMs, this.#decision);
      return writeReply(this.#out, 0, this.#decision, this.#request, chunk, 0, 0);
    }
    const whole = Buffer.concat([partial ?? new Uint8Array(0), chunk.subarray(0, end)]);
    return this.#answer(whole, 0, whole.length, 0, nowMs);
  }

  /** Keeps the beginning of a line, or only the fact that it is too long. */
  #keep(connection: Connection, chunk: Uint8Array, start: number): void {
    if (connection.isOverlong || start === chunk.length) return;
    const length = (connection.partial?.length ?? 0) + chunk.length - start;
    if (length >= LINE_BYTES_MAX) {
      connection.isOverlong = true;
      connection.partial = null;
    } else {
      // A copy: Bun uses the chunk's memory again.
      const rest = chunk.slice(start);
      connection.partial = connection.partial === null ? rest : Buffer.concat([connection.partial, rest]);
    }
  }

  /** Hands `#out[0, length)` to the kernel; false where it did not take all, and the connection is paused. */
  #flush(client: Socket<Connection>, connection: Connection, length: number): boolean {
    const sent = client.write(this.#out, 0, length);
    if (sent === length) return true;
    if (sent < 0) {
      this.#vanished(client);
      return true;
    }
    this.#wait(connection, () => {
      connection.unsent = this.#out.slice(sent, length);
    });
    client.pause();
    return false;
  }

  /** The client has gone without waiting for its replies. */
  #vanished(client: Socket<Connection>): void {
    this.#counts.failure++;
    client.data.isClosing = true;
    client.terminate();
  }

  #drain(client: Socket<Connection>): void {
    const connection = client.data;
    if (connection.unsent === null) return;
    const nowMs = this.#clock();
    const { unsent } = connection;
    const sent = client.write(unsent);
    if (sent < 0) {
      this.#vanished(client);
      return;
    }
    if (sent > 0) connection.activeAtMs = nowMs;
    if (sent < unsent.length) {
      this.#wait(connection, () => {
        connection.unsent = unsent.subarray(sent);
      });
      return;
    }
    const { unread } = connection;
    this.#wait(connection, () => {
      connection.unsent = null;
      connection.unread = null;
    });
    if (unread !== null) this.#consume(client, connection, unread, nowMs);
    if (connection.unsent !== null || connection.isClosing) return;
    if (connection.hasEnded) this.#end(client);
    else client.resume();
  }

  /** Changes what waits with a connection, and keeps the sum. */
  #wait(connection: Connection, change: () => void): void {
    this.#waitingBytes -= connection.waitingBytes;
    change();
    this.#waitingBytes += connection.waitingBytes;
  }

  #cutOffIfTooMuchWaits(client: Socket<Connection>): void {
    if (this.#waitingBytes <= WAITING_BYTES_MAX) return;
    this.#counts.failure++;
    this.#context.log.warn("too many replies wait for clients that do not read; one was cut off", {
      server: this.name,
      limitBytes: WAITING_BYTES_MAX,
    });
    client.terminate();
  }

  #clientEnded(client: Socket<Connection>): void {
    const connection = client.data;
    if (connection.isClosing) return;
    connection.hasEnded = true;
    if (connection.partial !== null || connection.isOverlong) this.#counts.failure++;
    if (connection.unsent === null) this.#end(client);
  }

  #end(client: Socket<Connection>): void {
    client.data.isClosing = true;
    client.end();
  }

  #count(answered: number, arrivedAtMs: number): void {
    this.#counts.success += answered;
    this.#context.metrics.delay.observe(this.#clock() - arrivedAtMs, answered);
  }

  /** Bun's own socket timers tick in steps of four seconds, so silence is looked for here. */
  #startSweep(): void {
    const timeoutMs = this.#options.idleTimeoutMs || DRAIN_MS;
    this.#sweep = setInterval(
      () => {
        const silentSinceMs = this.#clock() - timeoutMs;
        for (const client of this.#connections) {
          if (client.data.activeAtMs > silentSinceMs) continue;
          // One that was ended before and is still there, or that does not read its replies, gets no second chance.
          if (client.data.isClosing || client.data.unsent !== null) client.terminate();
          else this.#end(client);
        }
      },
      Math.min(1_000, Math.max(10, timeoutMs / 4)),
    );
    this.#sweep.unref();
  }
}

/** As many connections as the process may have file descriptors, up to a limit of our own. */
function connectionsMax(): number {
  let descriptors = Number.POSITIVE_INFINITY;
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    descriptors = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? descriptors);
  } catch {
    // Not Linux: the limit of our own has to do.
  }
  return Math.max(16, Math.min(CONNECTIONS_MAX, descriptors - DESCRIPTORS_RESERVED));
}
