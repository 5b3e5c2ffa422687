/**
 * One connection to a NATS, on which every wait is short. If the server is silent, the connection ends. It is
 * never repaired: a new one replaces it.
 *
 * A stream without a leader answers nothing, while its servers choose one. The connection is sound then: if
 * the server answers a ping, and only the request has no answer, it stays.
 */

import { readFile } from "node:fs/promises";
import { unlessAborted } from "../shared/abort.ts";
import { StoreError } from "../store.ts";
import type { NatsHost, NatsLogin, NatsPlace } from "./address.ts";
import type { Connection, Guard, NatsClient, Options } from "./client.ts";
import { LeaderlessError } from "./faults.ts";

/** From the first packet to the end of the login. */
const OPEN_TIMEOUT_MS = 1_500;

/** From a request to its whole answer. Halfway, the server is asked whether it is there. */
const ANSWER_TIMEOUT_MS = 1_000;

/** The client asks an idle server this often whether it is there. */
const PING_EVERY_MS = 20_000;

export interface NatsAnswer {
  readonly bytes: Uint8Array;
  text(): string;
}

/** A message that a consumer brought. */
export interface NatsMessage extends NatsAnswer {
  readonly subject: string;
  /** The subject of an acknowledgement, which has the numbers of the message. */
  readonly reply: string;
  /** Empty if there is no such header. */
  readonly header: (name: string) => string;
  /** 0 for a message of the stream. */
  readonly status: number;
}

export class NatsConnection {
  readonly #client: NatsClient;
  readonly #connection: Connection;
  readonly #guard: Guard;
  readonly #ending = new AbortController();
  readonly #retiring = new AbortController();
  #isAvoided = false;

  private constructor(client: NatsClient, connection: Connection, guard: Guard) {
    this.#client = client;
    this.#connection = connection;
    this.#guard = guard;
    void connection.closed().then(() => this.#ended());
    if (connection.isClosed()) this.#ended();
    void this.#heed();
  }

  /** Rejects with the error of the client, of NATS or of the system, or when `signal` aborts. */
  static async open(
    client: NatsClient,
    place: NatsPlace,
    { hostname, port }: NatsHost,
    login: NatsLogin | undefined,
    signal: AbortSignal,
  ): Promise<NatsConnection> {
    const timeout = AbortSignal.timeout(OPEN_TIMEOUT_MS);
    const inTime = AbortSignal.any([signal, timeout]);
    const guard: Guard = {};
    const options: Options = {
      servers: [`${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`],
      name: "maxwells-daemon",
      reconnect: false,
      maxReconnectAttempts: 0,
      ignoreClusterUpdates: true,
      noAsyncTraces: true,
      timeout: OPEN_TIMEOUT_MS,
      pingInterval: PING_EVERY_MS,
      maxPingOut: 1,
      tls: place.isTls ? tlsOf(place) : null,
      // The file may be on a disk that hangs.
      ...(await unlessAborted(inTime, loginOptions(client, login))),
    };
    const connecting = client.connect(options, guard);
    // A connection that comes too late is closed at once.
    const giveUp = () => {
      guard.destroy?.();
      connecting.then(
        (connection) => connection.close(),
        () => {},
      );
    };
    try {
      return new NatsConnection(client, await unlessAborted(inTime, connecting), guard);
    } catch (error) {
      giveUp();
      throw guard.fault ?? (timeout.aborted && !signal.aborted ? timeout.reason : error);
    }
  }

  /** Aborts when the connection has ended for any reason. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  /** Aborts when the server has said that it will stop soon, or the connection has ended. */
  get retiring(): AbortSignal {
    return this.#retiring.signal;
  }

  /** Whether another server should be asked next. */
  get isAvoided(): boolean {
    return this.#isAvoided;
  }

  /**
   * Sends a request, and resolves with its answer. A refusal leaves the connection open. If there is no
   * answer in time, it rejects with a `LeaderlessError`, if the server is there. Otherwise it ends.
   */
  async request(
    subject: string,
    payload: string,
    headers: Readonly<Record<string, string>>,
    timeoutMs = ANSWER_TIMEOUT_MS,
  ): Promise<NatsAnswer> {
    const given = this.#client.core.headers();
    for (const [name, value] of Object.entries(headers)) given.set(name, value);
    const hasHeaders = Object.keys(headers).length > 0;
    let isThere = false;
    const halfway = setTimeout(() => {
      this.#connection.flush().then(
        () => {
          isThere = true;
        },
        () => {},
      );
    }, timeoutMs / 2);
    try {
      const message = await this.#connection.request(subject, payload, {
        timeout: timeoutMs,
        ...(hasHeaders ? { headers: given } : {}),
      });
      return { bytes: message.data, text: () => message.string() };
    } catch (error) {
      const reason = causeOf(error);
      if (isLate(reason) && isThere) throw new LeaderlessError();
      if (isLate(reason)) this.abandon();
      throw this.#guard.fault ?? reason;
    } finally {
      clearTimeout(halfway);
    }
  }

  /** Calls `heard` for each message to a fresh subject, the inbox, until `end` is called. */
  subscribe(heard: (message: NatsMessage) => void): { readonly inbox: string; end(): void } {
    const inbox = this.#client.core.createInbox();
    const subscription = this.#connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null) return this.close();
        const { subject, reply = "", headers, data } = message;
        const header = (name: string) => headers?.get(name) ?? "";
        heard({
          subject,
          reply,
          header,
          status: headers?.code ?? 0,
          bytes: data,
          text: () => message.string(),
        });
      },
    });
    return { inbox, end: () => subscription.unsubscribe() };
  }

  /** Ends the connection, and another server is asked next. */
  abandon(): void {
    this.#isAvoided = true;
    this.close();
  }

  close(): void {
    this.#ended();
    this.#guard.destroy?.();
    void this.#connection.close().catch(() => {});
  }

  #ended(): void {
    this.#ending.abort();
    this.#retiring.abort();
  }

  /** Until the connection ends. A server that will stop keeps its connections for minutes. */
  async #heed(): Promise<void> {
    for await (const { type } of this.#connection.status()) if (type === "ldm") this.#retiring.abort();
  }
}

/** Whether a request had no answer in time. */
export function isLate(error: unknown): boolean {
  return error instanceof Error && (error.name === "TimeoutError" || error.message === "timeout");
}

/** The client puts a refusal into an error of its own. */
function causeOf(error: unknown): unknown {
  const { cause } = (error ?? {}) as { readonly cause?: unknown };
  return cause instanceof Error ? cause : error;
}

/** The client reads the files for each connection, because operators renew them in place. */
function tlsOf({ files: { cacert, cert, key } }: NatsPlace): NonNullable<Options["tls"]> {
  return {
    ...(cacert === undefined ? {} : { caFile: cacert }),
    ...(cert === undefined ? {} : { certFile: cert }),
    ...(key === undefined ? {} : { keyFile: key }),
  };
}

async function loginOptions({ core }: NatsClient, login: NatsLogin | undefined): Promise<Options> {
  if (login === undefined) return {};
  if ("user" in login) return { user: login.user, pass: login.password };
  if ("token" in login) return { token: login.token };
  if ("credsPath" in login) {
    return { authenticator: core.credsAuthenticator(await bytesOf(login.credsPath, "creds")) };
  }
  const seed = Buffer.from((await bytesOf(login.nkeyPath, "nkey")).toString().trim());
  return { authenticator: core.nkeyAuthenticator(seed) };
}

async function bytesOf(path: string, name: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch {
    throw new StoreError("missing", `the file ${path} cannot be read; check ${name}= and the file's owner`);
  }
}
