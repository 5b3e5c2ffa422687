/**
 * The door for HTTP, at the same address as the door for datagrams: `POST /v1/logs` takes OTLP logs, as Envoy
 * and Traefik send them, and `POST /outcomes` takes lines of text, from applications.
 *
 * It is a listener of its own, and not a page of the listener that proxies ask. That one looks at no body.
 * And a client with a long body must not take the place of a proxy there.
 */

import type { Address } from "../address.ts";
import { emptyServerCounts } from "../metrics.ts";
import { Connections } from "../stream/connections.ts";
import type { StreamSocket } from "../stream/stream-connection.ts";
import type { StreamContext } from "../stream/stream-context.ts";
import { StreamServer } from "../stream/stream-server.ts";
import type { Door, DoorContext } from "./door.ts";
import { DoorConnection, DoorShared } from "./http/connection.ts";
import { Opening } from "./opening.ts";

/** Connections of reporters. A proxy has one for each worker or thread. */
export const REPORTERS_MAX = 64;

/** A silent connection is closed after this long. Envoy reports every second while it has requests. */
const SILENCE_MS_MAX = 75_000;

class HttpListener extends StreamServer {
  readonly #shared: DoorShared;

  constructor(context: DoorContext, stream: Omit<StreamContext, "connections">) {
    const address: Address = { kind: "tcp", ...context.address };
    const identity = { protocol: "outcomes", address, listens: true, leasesTo: null };
    const connections = new Connections({ max: REPORTERS_MAX });
    const counts = emptyServerCounts(identity);
    const shared = new DoorShared({ ...stream, connections }, counts, context.intake);
    super(shared, { address, socketMode: 0, silenceMs: SILENCE_MS_MAX });
    this.#shared = shared;
  }

  protected connection(socket: StreamSocket, nowMs: number): DoorConnection {
    return new DoorConnection(this.#shared, socket, nowMs);
  }
}

export class HttpDoor implements Door {
  readonly name = "http";
  readonly #listener: HttpListener;
  readonly #opening: Opening;
  #isOpen = false;

  constructor(context: DoorContext, stream: Omit<StreamContext, "connections">) {
    this.#listener = new HttpListener(context, stream);
    this.#opening = new Opening(context, this.name, async () => {
      await this.#listener.prepare();
      await this.#listener.start();
      this.#isOpen = true;
    });
  }

  /** The port at which it listens; undefined while it does not. */
  get port(): number | undefined {
    return this.#listener.port;
  }

  start(): void {
    void this.#opening.begin();
  }

  async close(): Promise<void> {
    await this.#opening.end();
    if (this.#isOpen) await this.#listener.close();
  }
}
