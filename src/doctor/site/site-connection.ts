/**
 * One connection for probes of doctor, plain or over TLS, with one request at a time. Doctor has to see each
 * header line as it came, doubled ones too, and the body before it is unpacked. `node:http` shows both, and
 * `fetch` hides both.
 */

import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { isIP } from "node:net";

/** Doctor reads this much of a body. The beginning of a page names its version. */
export const BODY_BYTES_MAX = 1_048_576;

/** Heads are rarely over 16 KiB. A longer one is an error. */
const HEAD_BYTES_MAX = 262_144;

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  /** The name that the certificate must have. */
  readonly serverName: string;
  /** Whether any certificate is accepted. */
  readonly isInsecure: boolean;
}

type Headers = readonly (readonly [name: string, value: string])[];

export interface HttpRequest {
  /** Path and query. */
  readonly path: string;
  /** Sent as they are, in this order. Each character of a value is a byte. */
  readonly headers: Headers;
  /** The limit for the whole exchange, with the connection. */
  readonly timeoutMs: number;
}

export interface HttpReply {
  readonly status: number;
  /** In the order of their lines, names in lower case. */
  readonly headers: Headers;
  /** The first `BODY_BYTES_MAX` bytes. */
  readonly body: string;
}

/** The first header of this name, in lower case; undefined if there is none. */
export function headerOf(headers: Headers, name: string): string | undefined {
  return headers.find(([each]) => each === name)?.[1];
}

export class SiteConnection {
  readonly #target: Target;
  /** Keeps the connection. When the other side has ended it, the next request opens another. */
  readonly #agent: HttpAgent;

  constructor(target: Target) {
    this.#target = target;
    const options = { keepAlive: true, maxSockets: 1 };
    this.#agent = target.isTls ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** Sends one GET and reads its reply. Rejects if there is no whole reply, with the reason in words. */
  async request({ path, headers, timeoutMs }: HttpRequest): Promise<HttpReply> {
    const request = this.#open(path, headers);
    const timer = setTimeout(
      () => request.destroy(new Error(`no whole reply within ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      return await replyTo(request);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #open(path: string, headers: Headers): ClientRequest {
    const { host, port, isTls, serverName, isInsecure } = this.#target;
    const options = {
      host,
      port,
      path,
      headers: headers.flat(),
      agent: this.#agent,
      maxHeaderSize: HEAD_BYTES_MAX,
      // Some replies that browsers read are still refused: two equal `Content-Length` lines, and a space
      // before the colon of a header. No option of `node:http` allows these.
      insecureHTTPParser: true,
    };
    if (!isTls) return requestHttp(options);
    // TLS does not allow an address as the name of a server (RFC 6066, section 3).
    const servername = isIP(serverName) === 0 ? serverName : "";
    return requestHttps({ ...options, servername, rejectUnauthorized: !isInsecure });
  }
}

function replyTo(request: ClientRequest): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    request.on("error", (error) => reject(inWords(error)));
    request.on("response", (response) => {
      readBody(response, (body) => {
        resolve({ status: response.statusCode ?? 0, headers: headersOf(response), body });
      });
      response.on("error", (error) => reject(inWords(error)));
    });
    request.end();
  });
}

function readBody(response: IncomingMessage, done: (body: string) => void): void {
  const parts: Buffer[] = [];
  let length = 0;
  const text = () => Buffer.concat(parts).toString("utf8", 0, BODY_BYTES_MAX);
  response.on("data", (part: Buffer) => {
    parts.push(part);
    length += part.length;
    if (length < BODY_BYTES_MAX) return;
    done(text());
    response.destroy();
  });
  response.on("end", () => done(text()));
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  return Array.from({ length: rawHeaders.length / 2 }, (_, index) => {
    const [name = "", value = ""] = rawHeaders.slice(2 * index);
    return [name.toLowerCase(), value.trim()] as const;
  });
}

/** Replaces the words of the parser by plain ones. */
function inWords(error: NodeJS.ErrnoException): Error {
  if (error.message === "socket hang up") return new Error("the connection was closed before a reply");
  const isCut = error.message === "aborted" || error.code?.startsWith("HPE_");
  return isCut ? new Error("the reply is cut off, or is not HTTP") : error;
}
