/** One connection over which a doctor's probes go, plain or over TLS, one request at a time. */

import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { BODY_BYTES_MAX, HEAD_BYTES_MAX, type HttpReply, readReply } from "./http-reply.ts";

/** More than this is never kept of a reply. */
const RECEIVED_BYTES_MAX = BODY_BYTES_MAX + HEAD_BYTES_MAX;

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  /** The name that the certificate has to have. */
  readonly serverName: string;
  /** Whether any certificate will do. */
  readonly isInsecure: boolean;
}

export class HttpConnection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #isEnded = false;
  #isUsable = true;
  #error: Error | undefined;
  #onNews: (() => void) | undefined;

  constructor(target: Target) {
    const { host, port, isTls, serverName, isInsecure } = target;
    // An address is no name to ask for a certificate by (RFC 6066, section 3).
    const named = isIP(serverName) === 0 ? { servername: serverName } : {};
    this.#socket = isTls
      ? connectTls({ host, port, ...named, rejectUnauthorized: !isInsecure })
      : connectTcp({ host, port });
    this.#socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]).subarray(0, RECEIVED_BYTES_MAX);
      this.#onNews?.();
    });
    this.#socket.on("error", (error: Error) => this.#end(error));
    this.#socket.on("end", () => this.#end(undefined));
    this.#socket.on("close", () => this.#end(undefined));
  }

  /** Whether another request may be sent. */
  get isUsable(): boolean {
    return this.#isUsable && !this.#isEnded;
  }

  /**
   * Sends one request and reads its reply.
   *
   * @param request   head and body, each character a byte
   * @param timeoutMs for everything, connecting among it
   * @returns rejects if there is no reply, with the reason in words
   */
  request(request: string, timeoutMs: number): Promise<HttpReply> {
    this.#received = Buffer.alloc(0);
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void, isUsable: boolean) => {
        clearTimeout(timer);
        this.#onNews = undefined;
        this.#isUsable = isUsable;
        if (!isUsable) this.close();
        settle();
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`no whole reply within ${timeoutMs} ms`)), false),
        timeoutMs,
      );
      this.#onNews = () => {
        const reply = this.#error === undefined ? readReply(this.#received, this.#isEnded) : undefined;
        if (typeof reply === "object") finish(() => resolve(reply), reply.isKept);
        else if (this.#error !== undefined) finish(() => reject(this.#error), false);
        else if (reply === "malformed") finish(() => reject(new Error(this.#whyNone())), false);
      };
      this.#socket.write(Buffer.from(request, "latin1"));
      if (this.#isEnded) this.#onNews();
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #whyNone(): string {
    return this.#received.length === 0
      ? "the connection was closed before a reply"
      : "what came is no whole reply";
  }

  #end(error: Error | undefined): void {
    this.#error ??= error;
    this.#isEnded = true;
    this.#onNews?.();
  }
}
