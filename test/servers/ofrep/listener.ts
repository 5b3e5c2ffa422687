/** A listener that evaluates flags, and one connection to it. */

import { expect } from "bun:test";
import { HttpServer } from "../../../src/servers/http.ts";
import { type Core, type CoreOptions, createCore } from "../../support/core.ts";
import { HttpClient, type HttpReply } from "../../support/http.ts";

export const FLAGS = "/ofrep/v1/evaluate/flags";

export type Answer = Readonly<Record<string, unknown>>;

export class Listener {
  readonly core: Core;
  readonly #server: HttpServer;
  #client: HttpClient | undefined;

  private constructor(core: Core, server: HttpServer) {
    this.core = core;
    this.#server = server;
  }

  static async start(options: CoreOptions): Promise<Listener> {
    const core = createCore(options);
    const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
    const server = new HttpServer(core, { address, socketMode: 0, idleTimeoutMs: 60_000, hasFlags: true });
    await server.start();
    const listener = new Listener(core, server);
    listener.#client = await listener.connect();
    return listener;
  }

  get port(): number {
    return this.#server.port ?? 0;
  }

  /** The connection that all requests share. */
  get client(): HttpClient {
    if (this.#client === undefined) throw new Error("it is not started");
    return this.#client;
  }

  connect(): Promise<HttpClient> {
    return HttpClient.connect({ host: "127.0.0.1", port: this.port });
  }

  /** Posts a body to a flag, or to all flags. */
  async post(
    key: string | undefined,
    body: string,
    headers: Record<string, string> = {},
  ): Promise<HttpReply> {
    const target = key === undefined ? FLAGS : `${FLAGS}/${encodeURIComponent(key)}`;
    return this.client.ask("POST", target, headers, body);
  }

  async evaluate(key: string, context: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return answerOf(await this.post(key, JSON.stringify({ context }), headers));
  }

  async close(): Promise<void> {
    this.client.close();
    await this.#server.close();
  }
}

/** The answer with its status. */
export function answerOf({ status, headers, body }: HttpReply): Answer {
  expect(headers.get("content-type")).toBe("application/json");
  return { status, ...(JSON.parse(Buffer.from(body, "latin1").toString()) as Answer) };
}
