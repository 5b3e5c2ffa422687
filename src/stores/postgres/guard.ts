/** Stands between the socket and the parser of the driver. */

import type pg from "pg";
import type { Connection } from "pg";
import { AnswerGuard } from "../sql/answer-guard.ts";
import type { TlsOptions } from "../sql/tls.ts";

export type Driver = Pick<typeof pg, "Client" | "Connection">;

interface Stream {
  on(event: string, listener: (...args: never[]) => void): unknown;
  destroy(error?: Error): unknown;
}

/** The parts of the driver's connection that its types leave out. */
interface OpenConnection {
  readonly stream: Stream;
  attachListeners(stream: Stream): void;
}

export class Guard extends AnswerGuard {
  #connection: OpenConnection | undefined;

  constructor() {
    super("PostgreSQL");
  }

  connection(driver: Driver, ssl: TlsOptions | false): Connection {
    const connection = new driver.Connection({ ssl } as ConstructorParameters<Driver["Connection"]>[0]);
    // `OpenConnection` names the members of `pg` that its types leave out.
    const open = connection as unknown as OpenConnection;
    this.#connection = open;
    const attach = open.attachListeners.bind(open);
    // Called with the socket, or with the TLS stream over it.
    open.attachListeners = (stream) => {
      const guarded: Stream = {
        destroy: (error) => stream.destroy(error),
        on: (event, listener) =>
          stream.on(event, event === "data" ? this.#guarded(listener as (bytes: Buffer) => void) : listener),
      };
      attach(guarded);
    };
    return connection;
  }

  destroy(): void {
    this.#connection?.stream.destroy();
  }

  #guarded(parse: (bytes: Buffer) => void): (bytes: Buffer) => void {
    return (bytes) => this.check(bytes, parse);
  }
}
