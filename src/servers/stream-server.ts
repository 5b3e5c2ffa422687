/**
 * A server that speaks over a byte stream, on a unix or a TCP socket: how its listener and its connections come, go and
 * are limited. What happens on a connection is its protocol's (`stream-connection.ts` and who extends it).
 */

import { fstatSync } from "node:fs";
import type { SocketHandler, UnixSocketOptions } from "bun";
import type { Address } from "../config/values.ts";
import type { ServerCounts } from "../metrics.ts";
import { DRAIN_MS, type Server, type ServerContext } from "./server.ts";
import { SocketFile } from "./socket-file.ts";
import type { StreamConnection, StreamShared, StreamSocket } from "./stream-connection.ts";

/** A closing server first lets what has already arrived come in, for this long. */
const ARRIVED_MS = 50;

/** How often it is seen whether the socket's file is still there. */
const FILE_LOOK_MS = 1_000;

/** How often connections are looked through for silent ones, at most and at least. */
const SWEEP_MS_MAX = 1_000;
const SWEEP_MS_MIN = 10;

export interface StreamServerOptions {
  readonly address: Address;
  /** Of a unix socket's file, such as 0o666: who may connect. */
  readonly socketMode: number;
  /** A connection that is silent for this long is closed. */
  readonly silenceMs: number;
}

/** The part of Bun's listeners that is used here. */
interface Listener {
  readonly port?: number;
  stop(closeActiveConnections?: boolean): void;
}

export abstract class StreamServer implements Server {
  readonly name: string;
  readonly #options: StreamServerOptions;
  readonly #context: ServerContext;
  readonly #counts: ServerCounts;
  readonly #shared: StreamShared;
  readonly #sockets = new Set<StreamSocket>();
  /** Answers for every socket about which there is nothing to remember. */
  #blank: StreamConnection | undefined;
  #listener: Listener | undefined;
  #file: SocketFile | undefined;
  #isReplaced = false;
  #lookedAtMs = 0;
  #sweep: ReturnType<typeof setInterval> | undefined;

  constructor(shared: StreamShared, options: StreamServerOptions) {
    this.name = shared.counts.name;
    this.#shared = shared;
    this.#options = options;
    this.#context = shared.context;
    this.#counts = shared.counts;
  }

  /** A connection of this server's protocol. */
  protected abstract connection(socket: StreamSocket, nowMs: number): StreamConnection;

  /** The port of a TCP listener, once it listens: what port 0 became. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  async start(): Promise<void> {
    const { address } = this.#options;
    const common = { socket: this.#handlers(), allowHalfOpen: true };
    if (address.kind === "unix") {
      if (this.#listenAt(address.path)) {
        this.#context.log.info("took over the socket: it had been another daemon's, or was left by one", {
          path: address.path,
        });
      }
    } else if (address.kind === "tcp") {
      this.#listener = Bun.listen<StreamConnection | undefined>({
        ...common,
        hostname: address.host,
        port: address.port,
      });
    } else {
      if (!isSocket(address.fd)) {
        throw Object.assign(new Error(`descriptor ${address.fd} is no socket`), { code: "EBADF" });
      }
      // Bun takes a descriptor here; its types know that only of `Bun.connect`.
      const options = { ...common, fd: address.fd } as unknown as UnixSocketOptions<
        StreamConnection | undefined
      >;
      this.#listener = Bun.listen<StreamConnection | undefined>(options);
    }
    this.#startSweep();
  }

  async close(): Promise<void> {
    const { clock } = this.#context;
    this.#shared.isClosing = true;
    clearInterval(this.#sweep);
    this.#file?.release();
    await Bun.sleep(ARRIVED_MS);
    this.#listener?.stop(false);
    const deadlineMs = clock() + DRAIN_MS;
    while (this.#sockets.size > 0 && clock() < deadlineMs) {
      for (const socket of this.#sockets) {
        const connection = this.#remember(socket);
        if (connection.isReadyToEnd(clock() - ARRIVED_MS)) connection.endWhenAnswered();
      }
      await Bun.sleep(5);
    }
    for (const socket of this.#sockets) socket.terminate();
    this.#listener?.stop(true);
  }

  /** Listens on a unix socket; returns whether there was a file at its path before. */
  #listenAt(path: string): boolean {
    const file = new SocketFile(path, this.#options.socketMode);
    const listener = Bun.listen<StreamConnection | undefined>({
      socket: this.#handlers(),
      allowHalfOpen: true,
      unix: file.temporaryPath,
    });
    try {
      const hadFile = file.publish();
      this.#listener?.stop(false);
      this.#file = file;
      this.#listener = listener;
      return hadFile;
    } catch (error) {
      listener.stop(true);
      throw error;
    }
  }

  #handlers(): SocketHandler<StreamConnection | undefined> {
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

  #open(socket: StreamSocket): void {
    const { connections, log } = this.#context;
    if (!connections.take()) {
      this.#counts.refused++;
      this.#remember(socket).terminate();
      log.warn("too many connections; new ones are closed", { server: this.name, limit: connections.max });
      return;
    }
    this.#sockets.add(socket);
    this.#counts.accepted++;
    this.#counts.connections++;
  }

  #receive(socket: StreamSocket, chunk: Uint8Array): void {
    const remembered = socket.data;
    if (remembered !== undefined) {
      remembered.receive(chunk);
      return;
    }
    const blank = this.#blank ?? this.connection(socket, 0);
    this.#blank = undefined;
    blank.adopt(socket);
    blank.receive(chunk);
    if (blank.isBlank) this.#blank = blank;
    else socket.data = blank;
  }

  /** The connection of a socket, made if there has been nothing to remember so far. */
  #remember(socket: StreamSocket): StreamConnection {
    socket.data ??= this.connection(socket, this.#context.clock());
    return socket.data;
  }

  #closed(socket: StreamSocket): void {
    socket.data?.closed();
    if (!this.#sockets.delete(socket)) return;
    this.#counts.connections--;
    this.#context.connections.release();
  }

  /** Bun's own socket timers tick in steps of four seconds, so silence is looked for here. */
  #startSweep(): void {
    const { silenceMs } = this.#options;
    this.#lookedAtMs = this.#context.clock();
    this.#sweep = setInterval(
      () => {
        const nowMs = this.#context.clock();
        this.#sweepSilent(nowMs);
        if (nowMs - this.#lookedAtMs < FILE_LOOK_MS) return;
        this.#lookedAtMs = nowMs;
        void this.#lookAtFile();
      },
      Math.min(SWEEP_MS_MAX, Math.max(SWEEP_MS_MIN, silenceMs / 4)),
    );
    this.#sweep.unref();
  }

  #sweepSilent(nowMs: number): void {
    const { silenceMs } = this.#options;
    for (const socket of this.#sockets) {
      // One that was not remembered has been there for less than the time between two sweeps.
      const connection = this.#remember(socket);
      // One that was ended before and is still there gets no second chance, nor one that does not read its replies.
      const patienceMs = connection.isClosing ? Math.min(silenceMs, DRAIN_MS) : silenceMs;
      if (connection.activeAtMs > nowMs - patienceMs) continue;
      if (connection.isPaused) this.#counts.failure++;
      if (connection.isClosing || connection.isPaused) connection.terminate();
      else connection.end();
    }
  }

  /**
   * Listens anew where the socket's file is gone, or nobody listens at it: removed by hand, by a cleaner of /tmp, or taken
   * over by a second daemon that has ended, in peace or not. The file of another daemon that lives is left alone.
   */
  async #lookAtFile(): Promise<void> {
    const { address } = this.#options;
    const file = this.#file;
    if (file === undefined || address.kind !== "unix") return;
    const fields = { server: this.name, path: address.path };
    const whose = file.look();
    if (whose === "another's" && !this.#isReplaced) {
      this.#context.log.warn(
        "another daemon took the socket over: new connections go there; end one of the two",
        fields,
      );
    }
    this.#isReplaced = whose === "another's";
    if (whose === "ours" || (whose === "another's" && !(await file.isDeserted()))) return;
    if (this.#shared.isClosing) return;
    try {
      this.#listenAt(address.path);
      this.#context.log.error("the socket's file was gone, or nobody's; listening anew", fields);
    } catch (error) {
      this.#context.log.error("the socket's file is gone, and there can be no new one: nobody can connect", {
        ...fields,
        error: (error as Error).message,
      });
    }
  }
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}
