/**
 * The line protocol over unix and TCP sockets: the default server, and the fastest. Here are its listeners: how they
 * come, go, and are limited. What happens on a connection is in `line-connection.ts`.
 */

import { readFileSync } from "node:fs";
import type { SocketHandler, UnixSocketOptions } from "bun";
import { Problem } from "../config/option.ts";
import {
  type Address,
  addressText,
  orNone,
  parseAddress,
  parseDuration,
  parseMode,
  repeatable,
  single,
  unixAddress,
} from "../config/values.ts";
import type { ServerCounts } from "../metrics.ts";
import { LineConnection, LineShared, type LineSocket } from "./line-connection.ts";
import { DRAIN_MS, type Server, type ServerContext, type ServerKind } from "./server.ts";
import { SocketFile } from "./socket-file.ts";

/** Connections that one listener holds; the next one is closed at once, so its proxy goes on to master. */
const CONNECTIONS_MAX = 32_768;

const IDLE_TIMEOUT_MS_MAX = 86_400_000;

/** File descriptors that are left for the store, monitors, logs and the admin listener. */
const DESCRIPTORS_RESERVED = 64;

/** A closing server first lets what has already arrived come in, for this long. */
const ARRIVED_MS = 50;

export const socket = single<Address | null>(
  {
    name: "socket",
    placeholder: "PATH",
    summary: "the unix socket of the line protocol, or none",
    defaultText: "/tmp/maxwells-daemon.sock",
  },
  orNone(unixAddress),
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
  (text) => {
    const timeoutMs = parseDuration(text);
    return typeof timeoutMs === "number" && timeoutMs > IDLE_TIMEOUT_MS_MAX
      ? new Problem("write a duration of at most 24h")
      : timeoutMs;
  },
);

export const line: ServerKind = {
  name: "line",
  options: [socket, listen, socketMode, idleTimeout],
  addresses(settings) {
    const first = settings.get(socket);
    return first === null ? settings.get(listen) : [first, ...settings.get(listen)];
  },
  create(settings, context) {
    return this.addresses(settings).map(
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

export class LineServer implements Server {
  readonly name: string;
  readonly #options: LineServerOptions;
  readonly #context: ServerContext;
  readonly #counts: ServerCounts;
  readonly #shared: LineShared;
  readonly #sockets = new Set<LineSocket>();
  readonly #connectionsMax = connectionsMax();
  /** Answers for every socket about which there is nothing to remember. */
  #blank: LineConnection | undefined;
  #listener: Listener | undefined;
  #file: SocketFile | undefined;
  #sweep: ReturnType<typeof setInterval> | undefined;

  constructor(context: ServerContext, options: LineServerOptions) {
    this.name = `line ${addressText(options.address)}`;
    this.#options = options;
    this.#context = context;
    this.#counts = context.metrics.server(this.name);
    this.#shared = new LineShared(context, this.#counts, options.idleTimeoutMs === 0);
  }

  /** The port of a TCP listener, once it listens: what port 0 became. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  async start(): Promise<void> {
    const { address, socketMode: mode } = this.#options;
    const common = { socket: this.#handlers(), allowHalfOpen: true };
    if (address.kind === "tcp") {
      this.#listener = Bun.listen<LineConnection | undefined>({
        ...common,
        hostname: address.host,
        port: address.port,
      });
    } else if (address.kind === "fd") {
      // Bun takes a descriptor here; its types know that only of `Bun.connect`.
      const options = { ...common, fd: address.fd } as unknown as UnixSocketOptions<
        LineConnection | undefined
      >;
      this.#listener = Bun.listen<LineConnection | undefined>(options);
    } else {
      const file = new SocketFile(address.path, mode);
      const listener = Bun.listen<LineConnection | undefined>({ ...common, unix: file.temporaryPath });
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
    const { clock } = this.#context;
    clearInterval(this.#sweep);
    this.#file?.release();
    await Bun.sleep(ARRIVED_MS);
    this.#listener?.stop(false);
    for (const socket of this.#sockets) this.#remember(socket).endWhenAnswered();
    const deadlineMs = clock() + DRAIN_MS;
    while (this.#sockets.size > 0 && clock() < deadlineMs) await Bun.sleep(5);
    for (const socket of this.#sockets) socket.terminate();
    this.#listener?.stop(true);
  }

  #handlers(): SocketHandler<LineConnection | undefined> {
    return {
      open: (socket) => this.#open(socket),
      data: (socket, chunk) => this.#receive(socket, chunk),
      drain: (socket) => socket.data?.drained(),
      end: (socket) => {
        if (socket.data === undefined) socket.end();
        else socket.data.clientEnded();
      },
      close: (socket) => this.#closed(socket),
      error: (socket, error) => {
        // A bug of ours, not of the client: Bun hands over what a handler threw.
        this.#counts.failure++;
        this.#context.log.error("a connection failed", { server: this.name, error: error.message });
        socket.terminate();
      },
    };
  }

  #open(socket: LineSocket): void {
    if (this.#sockets.size >= this.#connectionsMax) {
      this.#counts.refused++;
      this.#remember(socket).terminate();
      this.#context.log.warn("too many connections; new ones are closed", {
        server: this.name,
        limit: this.#connectionsMax,
      });
      return;
    }
    this.#sockets.add(socket);
    this.#counts.accepted++;
    this.#counts.connections++;
  }

  #receive(socket: LineSocket, chunk: Uint8Array): void {
    const remembered = socket.data;
    if (remembered !== undefined) {
      remembered.receive(chunk);
      return;
    }
    const blank = this.#blank ?? new LineConnection(this.#shared, socket, 0);
    this.#blank = undefined;
    blank.adopt(socket);
    blank.receive(chunk);
    if (blank.isBlank) this.#blank = blank;
    else socket.data = blank;
  }

  /** The connection of a socket, made if there has been nothing to remember so far. */
  #remember(socket: LineSocket): LineConnection {
    socket.data ??= new LineConnection(this.#shared, socket, this.#context.clock());
    return socket.data;
  }

  #closed(socket: LineSocket): void {
    socket.data?.closed();
    if (this.#sockets.delete(socket)) this.#counts.connections--;
  }

  /** Bun's own socket timers tick in steps of four seconds, so silence is looked for here. */
  #startSweep(): void {
    const timeoutMs = this.#options.idleTimeoutMs || DRAIN_MS;
    const sweep = () => {
      const silentSinceMs = this.#context.clock() - timeoutMs;
      for (const socket of this.#sockets) {
        // One that was not remembered has been there for less than the time between two sweeps.
        const connection = this.#remember(socket);
        if (connection.activeAtMs > silentSinceMs) continue;
        // One that was ended before and is still there, or that does not read its replies, gets no second chance.
        if (connection.isClosing || connection.isPaused) connection.terminate();
        else connection.end();
      }
    };
    this.#sweep = setInterval(sweep, Math.min(1_000, Math.max(10, timeoutMs / 4)));
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
