/**
 * The official client, with two changes. It dials one server once, because its own reconnection would hide
 * how long NATS has not answered. And the bytes of a server are checked before its parser gets them.
 */

import type { Socket } from "node:net";
import type * as Core from "@nats-io/transport-node";
import type * as Transport from "@nats-io/transport-node/lib/node_transport.js";
import { FrameError } from "./faults.ts";
import { Frames } from "./frames.ts";

export type NatsCore = typeof Core;
export type Connection = Core.NatsConnection;
export type Options = Core.ConnectionOptions;

/** The news of a connection from its transport. */
export interface Guard {
  /** The reason why the guard ended the connection. */
  fault?: Error;
  /** Ends the connection at once, also while it is made. */
  destroy?: () => void;
}

export interface NatsClient {
  readonly core: NatsCore;
  /** Dials one server once. Rejects with an error of the client or of the system. */
  connect(options: Options, guard: Guard): Promise<Connection>;
}

/** Loads the client's package. Only a store of this kind needs it. */
export async function loadClient(): Promise<NatsClient> {
  const core = await import("@nats-io/transport-node");
  const { NodeTransport, nodeResolveHost } = await import("@nats-io/transport-node/lib/node_transport.js");
  const Guarded = guardedTransport(NodeTransport);
  return {
    core,
    async connect(options, guard) {
      // The client keeps this for all connections. It is the same for all stores.
      core.setTransportFactory({
        factory: () => new Guarded(),
        dnsResolveFn: nodeResolveHost,
        defaultPort: 4222,
      });
      return core.NatsConnectionImpl.connect({ ...options, guard } as Options);
    },
  };
}

/** The client reads all messages in a piece in one step. */
const PIECE_BYTES = 4_096;

/** The client gives the options of a connection to its transport, with those that it does not know. */
interface GuardedOptions extends Options {
  readonly guard?: Guard;
}

function guardedTransport(Base: typeof Transport.NodeTransport): typeof Transport.NodeTransport {
  return class GuardedTransport extends Base {
    #guard: Guard = {};
    /** Bytes that the client has not heard yet. No more come meanwhile, because the socket is paused. */
    #waiting: Buffer[] = [];

    override async connect(host: Parameters<typeof Base.prototype.connect>[0], options: GuardedOptions) {
      this.#guard = options.guard ?? {};
      this.#guard.destroy = () => {
        this.discard();
        this.socket?.destroy();
      };
      await super.connect(host, options);
    }

    override async dial(host: Parameters<typeof Base.prototype.dial>[0]) {
      return this.#checked(await super.dial(host));
    }

    override async startTLS() {
      if (typeof this.options.tls !== "object") throw new Error("'tls' is required by this server");
      // From here on, the checked bytes are those within TLS.
      Reflect.deleteProperty(this.socket, "on");
      return this.#checked(await super.startTLS());
    }

    /** The client listens for bytes several times. Each listener gets checked bytes. */
    #checked<T extends Socket>(socket: T): T {
      const frames = new Frames();
      const on = socket.on.bind(socket) as (event: string, heard: (bytes: Buffer) => void) => T;
      return Object.assign(socket, {
        on: (event: string, heard: (bytes: Buffer) => void) =>
          on(event, event === "data" ? (bytes) => this.#check(frames, bytes, heard) : heard),
      });
    }

    #check(frames: Frames, bytes: Buffer, heard: (bytes: Buffer) => void): void {
      if (this.#guard.fault !== undefined) return;
      if (!frames.take(bytes)) {
        this.#guard.fault = new FrameError();
        this.socket?.destroy(this.#guard.fault);
      } else if (!this.connected || (bytes.length <= PIECE_BYTES && this.#waiting.length === 0)) {
        heard(bytes);
      } else {
        this.#waiting.push(bytes);
        this.socket?.pause();
        if (this.#waiting.length === 1) this.#hearPiece(heard);
      }
    }

    /** Visitors get their turn between two pieces. */
    #hearPiece(heard: (bytes: Buffer) => void): void {
      const [bytes, ...others] = this.#waiting;
      if (bytes === undefined || this.isClosed) return;
      const rest = bytes.subarray(PIECE_BYTES);
      this.#waiting = rest.length === 0 ? others : [rest, ...others];
      heard(bytes.subarray(0, PIECE_BYTES));
      if (this.#waiting.length === 0) this.socket?.resume();
      else setImmediate(() => this.#hearPiece(heard));
    }
  };
}
