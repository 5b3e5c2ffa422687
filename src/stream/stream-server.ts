/**
 * A server over a byte stream, on a unix or a TCP socket. It opens and closes the listener, and admits,
 * limits and ends connections. `StreamConnection` and the classes that extend it read and answer on one
 * connection.
 */

import { fstatSync } from "node:fs";
import type { SocketHandler, UnixSocketOptions } from "bun";
import { type Address, type HostPort, hostPortText } from "../address.ts";
import type { ServerCounts } from "../metrics.ts";
import type { ListenerPlaces } from "./connections.ts";
import { Crowd } from "./crowd.ts";
import { SocketCalls } from "./libc.ts";
import type { Peer } from "./peer.ts";
import { SocketFile } from "./socket-file.ts";
import type { StreamConnection, StreamSocket } from "./stream-connection.ts";
import { DRAIN_MS, type StreamContext } from "./stream-context.ts";
import type { StreamShared } from "./stream-shared.ts";
import { Sweep } from "./sweep.ts";
import { UnixListener } from "./unix-listener.ts";

/**
 * A closing server first accepts and reads for this long, because clients may already have connected or sent.
 */
const ARRIVED_MS = 50;

export interface StreamServerOptions {
  readonly address: Address;
  /** The mode of a unix socket's file, such as 0o666: it says which users may connect. */
  readonly socketMode: number;
  /** A connection that is silent for this long is closed. */
  readonly silenceMs: number;
  /** Clients ask as soon as they are connected (`crowd.ts`). */
  readonly isPrompt?: boolean;
}

/** The part of Bun's listeners that is used here. */
interface Listener {
  readonly port?: number;
  readonly fd?: number;
  stop(closeActiveConnections?: boolean): void;
}

export abstract class StreamServer {
  readonly name: string;
  readonly #options: StreamServerOptions;
  readonly #context: StreamContext;
  readonly #counts: ServerCounts;
  readonly #shared: StreamShared;
  readonly #places: ListenerPlaces;
  readonly #sockets: Crowd<StreamSocket>;
  /** Serves every socket about which there is nothing to remember. */
  #blank: StreamConnection | undefined;
  #listener: Listener | undefined;
  /** Undefined if the address is not a unix socket. */
  #unix: UnixListener | undefined;
  #isPrepared = false;
  /** Another daemon listens at this address, and this one replaces it. */
  #isJoining = false;
  readonly #sweep: Sweep;

  constructor(shared: StreamShared, options: StreamServerOptions) {
    this.name = shared.counts.name;
    this.#shared = shared;
    this.#options = options;
    this.#context = shared.context;
    this.#counts = shared.counts;
    this.#places = this.#context.connections.forListener();
    this.#sockets = new Crowd({
      places: this.#places,
      isPrompt: options.isPrompt,
      peerOf: (socket) => shared.peers.of(socket),
      isBusy: (socket) => socket.data?.isBusy ?? false,
      cutOff: (socket, peer) => this.#cutOff(socket, peer),
    });
    this.#sweep = new Sweep({
      ...{ shared, silenceMs: options.silenceMs, sockets: this.#sockets },
      connectionOf: (socket) => this.#remember(socket),
      swept: (nowMs) => void this.#unix?.lookIfDue(nowMs),
    });
  }

  /** A connection of this server's protocol. */
  protected abstract connection(socket: StreamSocket, nowMs: number): StreamConnection;

  /**
   * The port of a TCP listener, once it listens. If port 0 was asked for, this is the port that the kernel
   * chose.
   */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  /** Whether another daemon listens at this address, and this one replaces it. Known after `prepare`. */
  get joins(): boolean {
    return this.#isJoining;
  }

  get trouble(): string | undefined {
    return this.#isListening ? this.#unix?.trouble : "it does not listen yet";
  }

  async prepare(predecessorHas: (name: string) => Promise<boolean> = async () => false): Promise<void> {
    const { address } = this.#options;
    if (address.kind === "unix") {
      SocketFile.prove(address.path);
    } else if (address.kind === "fd") {
      if (!isSocket(address.fd)) {
        throw Object.assign(new Error(`descriptor ${address.fd} is not a socket`), { code: "EBADF" });
      }
    } else if (address.port !== 0) {
      this.#isJoining = !isFree(address);
      if (this.#isJoining && !(await predecessorHas(this.name))) {
        throw Object.assign(new Error(`another program listens at ${hostPortText(address)}`), {
          code: "EADDRINUSE",
        });
      }
    }
    this.#isPrepared = true;
  }

  async start(): Promise<void> {
    const { address } = this.#options;
    if (!this.#isPrepared) await this.prepare();
    const common = { socket: this.#handlers(), allowHalfOpen: true };
    if (address.kind === "unix") {
      const { path } = address;
      const unix = { path, mode: this.#options.socketMode, server: this.name, log: this.#context.log };
      const listen = (at: string) => Bun.listen<StreamConnection | undefined>({ ...common, unix: at });
      this.#unix = new UnixListener({ ...unix, listen }, this.#context.clock());
    } else if (address.kind === "tcp") {
      this.#listenOn(address);
    } else {
      // Bun accepts a descriptor here, but its types have that only for `Bun.connect`.
      const options = { ...common, fd: address.fd } as unknown as UnixSocketOptions<
        StreamConnection | undefined
      >;
      this.#listener = Bun.listen<StreamConnection | undefined>(options);
    }
    this.#sweep.start();
  }

  get isReplaced(): boolean {
    return this.#unix?.isReplaced ?? false;
  }

  async close(isReplaced = false): Promise<void> {
    const { clock } = this.#context;
    this.#shared.isClosing = true;
    this.#shared.endsWithAnswer = isReplaced;
    this.#sweep.stop();
    this.#unix?.release();
    await Bun.sleep(ARRIVED_MS);
    this.#stopListening(false);
    const deadlineMs = clock() + DRAIN_MS;
    // If the daemon ends a connection, a request may be under way. With a successor there is time to let each
    // connection ask once more.
    const endsFromMs = isReplaced ? deadlineMs - 2 * ARRIVED_MS : 0;
    while (this.#sockets.size > 0 && clock() < deadlineMs) {
      if (clock() >= endsFromMs) this.#endIdle(clock() - ARRIVED_MS);
      await Bun.sleep(5);
    }
    for (const socket of this.#sockets) socket.terminate();
    this.#stopListening(true);
  }

  get #isListening(): boolean {
    return this.#listener !== undefined || this.#unix !== undefined;
  }

  #stopListening(closesConnections: boolean): void {
    this.#listener?.stop(closesConnections);
    this.#unix?.stop(closesConnections);
  }

  /**
   * Listens on a TCP port, and lets a successor of the same user listen there too. The daemon before this one
   * keeps its connections, and gets no new ones. So its queue is empty when it ends.
   */
  #listenOn({ host, port }: HostPort): void {
    const options = { hostname: host, port, reusePort: port !== 0, allowHalfOpen: true };
    const listener: Listener = Bun.listen<StreamConnection | undefined>({
      ...options,
      socket: this.#handlers(),
    });
    this.#listener = listener;
    if (!this.#isJoining) return;
    const isSteered = new SocketCalls().steer(listener.fd ?? -1, 1);
    this.#context.log.info("took over the address from the daemon that listens there; end that daemon now", {
      server: this.name,
      ...(isSteered ? {} : { until: "it ends, each of the two daemons gets a part of the new connections" }),
    });
  }

  #endIdle(sinceMs: number): void {
    for (const socket of this.#sockets) {
      const connection = this.#remember(socket);
      if (connection.isReadyToEnd(sinceMs)) connection.endWhenAnswered();
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
        // This is a bug in the daemon, not in the client: Bun passes on what a handler threw.
        this.#counts.failure++;
        this.#context.log.error(
          "a bug in the daemon ended a connection, so a visitor on it goes to master; report the bug",
          { server: this.name, error: error.message },
        );
        socket.terminate();
      },
    };
  }

  #open(socket: StreamSocket): void {
    if (!this.#sockets.admit(socket)) {
      this.#counts.refused++;
      this.#remember(socket).terminate();
      this.#context.log.warn(
        "too many connections; new ones are closed, and a proxy without a connection serves master",
        {
          server: this.name,
          limit: this.#places.max,
          open: this.#sockets.size,
        },
      );
      return;
    }
    this.#counts.accepted++;
    this.#counts.connections++;
  }

  /** Ends a connection of the peer with the most, so that another client gets a place. */
  #cutOff(socket: StreamSocket, peer: Peer): void {
    this.#counts.connections--;
    this.#counts.refused++;
    this.#remember(socket).terminate();
    this.#context.log.warn(
      "too many connections; the client with the most of them loses some to others, and a proxy without a connection serves master",
      {
        server: this.name,
        limit: this.#places.max,
        peer,
      },
    );
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

  /** The connection of a socket. It is made if there has been nothing to remember so far. */
  #remember(socket: StreamSocket): StreamConnection {
    socket.data ??= this.connection(socket, this.#context.clock());
    return socket.data;
  }

  #closed(socket: StreamSocket): void {
    socket.data?.closed();
    if (this.#sockets.remove(socket)) this.#counts.connections--;
  }
}

/** Whether no program listens at this address. Throws Bun's error if a listener fails for another reason. */
function isFree({ host, port }: HostPort): boolean {
  try {
    // Without `reusePort`, so this fails if another program listens.
    Bun.listen({ hostname: host, port, socket: { data() {} } }).stop(true);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}
