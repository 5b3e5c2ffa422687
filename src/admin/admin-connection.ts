/**
 * One connection of the admin listener. It ends after one request and one answer.
 *
 *     asking ──a whole head──▶ answering ──the last piece is read──▶ closing
 *        │ 8 kB, or too slow       │ too slow
 *        └────────────────────────▶┴──────────────────────────────────▶ cut off
 *
 * The daemon does not keep connections, because a client that asks once a minute gains nothing by it, and the
 * connection would take a place. The daemon sends an answer in pieces, as the client reads them, and answers
 * visitors between any two pieces.
 */

import type { ServerCounts } from "../metrics.ts";
import type { ServerContext } from "../servers/server.ts";
import { NOTHING, REQUEST_MS_MAX, StreamConnection, type StreamSocket } from "../stream/stream-connection.ts";
import { StreamShared } from "../stream/stream-shared.ts";
import type { WaitingBytes } from "../stream/waiting.ts";
import { Arrival, type Arrived, BODY_BYTES_MAX } from "./arrival.ts";
import { type AdminPage, type Route, text } from "./pages.ts";
import { type AdminRequest, isOwnHost } from "./request.ts";
import { Semaphore } from "./semaphore.ts";

/** The time from a whole request to the last byte of its answer. */
const ANSWER_MS_MAX = 30_000;

/**
 * The number of long pages that are made at one time. Each of them takes slices of the event loop, and the
 * sum has to stay small.
 */
const PAGES_AT_ONCE_MAX = 4;

/**
 * Streams at one time. Each is a browser that shows the page. Half of the connections stay for other clients.
 */
export const STREAMS_MAX = 64;

/** The longest piece of a page in one write. The output buffer has room for it and its framing. */
const PIECE_BYTES_MAX = 32_768;

const METHODS = ["GET", "HEAD"];

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  200: "OK",
  204: "No Content",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  411: "Length Required",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

export interface AdminSharedOptions {
  readonly pages: ReadonlyMap<string, Route>;
  /** Host names that the listener accepts, besides addresses and `localhost`. */
  readonly hosts: readonly string[];
  readonly waiting: WaitingBytes;
  readonly streamsMax: number;
}

/** The parts that the connections of an admin listener share. */
export class AdminShared extends StreamShared {
  readonly pages: ReadonlyMap<string, Route>;
  readonly hosts: readonly string[];
  readonly pagesInParts = new Semaphore(PAGES_AT_ONCE_MAX);
  readonly streamsMax: number;
  streams = 0;

  constructor(
    context: ServerContext,
    counts: ServerCounts,
    { pages, hosts, waiting, streamsMax }: AdminSharedOptions,
  ) {
    super(context, counts, waiting);
    this.streamsMax = streamsMax;
    this.pages = pages;
    this.hosts = hosts;
  }
}

export class AdminConnection extends StreamConnection {
  readonly #shared: AdminShared;
  /** The time at which the request was whole; undefined before. */
  #askedAtMs: number | undefined;
  #wake: (() => void) | undefined;
  readonly #arrival: Arrival;
  readonly #closing = new AbortController();
  #isStream = false;

  constructor(shared: AdminShared, socket: StreamSocket, nowMs: number) {
    super(shared, socket, nowMs);
    this.#shared = shared;
    this.#arrival = new Arrival((path) => shared.pages.get(path)?.bodyBytesMax ?? BODY_BYTES_MAX);
  }

  protected override get isMidway(): boolean {
    return this.#askedAtMs !== undefined;
  }

  /** A client that has not sent a whole request loses its place first. */
  override get isBusy(): boolean {
    return this.#askedAtMs !== undefined;
  }

  override isOverdue(sinceMs: number): boolean {
    if (this.#askedAtMs === undefined) return super.isOverdue(sinceMs);
    // A stream that its client does not read is silent, and ends by that.
    if (this.#isStream) return false;
    return !this.isClosing && this.#askedAtMs < sinceMs + REQUEST_MS_MAX - ANSWER_MS_MAX;
  }

  override isReadyToEnd(sinceMs: number): boolean {
    return this.#askedAtMs === undefined && super.isReadyToEnd(sinceMs);
  }

  /** If an answer is under way, its end closes the connection. A stream has no end. */
  override clientEnded(): void {
    if (this.#askedAtMs === undefined) super.clientEnded();
    else if (this.#isStream) this.terminate();
  }

  override closed(): void {
    super.closed();
    this.#closing.abort();
    this.#wake?.();
  }

  protected override allSent(): void {
    this.#wake?.();
  }

  protected consume(chunk: Uint8Array, nowMs: number): void {
    // The daemon answers the first request, and ignores all others.
    if (this.#askedAtMs !== undefined) return;
    this.keepPart(chunk, 0);
    const arrived = this.#arrival.read(this.part);
    if (arrived === undefined) return;
    this.#askedAtMs = nowMs;
    this.dropPart();
    void this.#answer(arrived);
  }

  /** Never rejects. */
  async #answer(arrived: Arrived): Promise<void> {
    const { request } = arrived;
    try {
      const page = request === undefined ? arrived.refusal : await this.#pageFor(request, arrived.body);
      if (page.isStream) await this.#stream(page, request);
      else if (isInOnePiece(page.body)) await this.#send(page, request);
      else await this.#shared.pagesInParts.use(() => this.#send(page, request));
    } catch (error) {
      // The client sees that the answer is not whole.
      this.#shared.context.log.error("a page of the admin listener cannot be made", {
        path: request?.path,
        error: (error as Error).message,
      });
      this.terminate();
    }
    if (!this.isClosing) this.endWhenAnswered();
  }

  /** Sends a page without end. */
  async #stream(page: AdminPage, request: AdminRequest | undefined): Promise<void> {
    const { streams, streamsMax } = this.#shared;
    if (streams >= streamsMax) {
      const full = `${streamsMax} pages are open at this daemon; close one of them\n`;
      await this.#send(text(503, full), request);
      return;
    }
    this.#isStream = true;
    this.#shared.streams++;
    try {
      await this.#send(page, request);
    } finally {
      this.#shared.streams--;
    }
  }

  async #pageFor(request: AdminRequest, body: string): Promise<AdminPage> {
    const { pages, hosts } = this.#shared;
    if (!isOwnHost(request.host, hosts)) {
      return text(
        403,
        "this listener does not accept that host name; use its address, or start the daemon with -admin-host NAME\n",
      );
    }
    const page = pages.get(request.path);
    if (page === undefined) return text(404, `no such page; there are ${[...pages.keys()].join(", ")}\n`);
    const methods = page.method === "GET" ? METHODS : [page.method];
    if (!methods.includes(request.method)) {
      const what = page.method === "GET" ? "pages can only be read" : "this is a write";
      return text(405, `${what}; use ${methods.join(" or ")}\n`, { Allow: methods.join(", ") });
    }
    const { query, headers } = request;
    return page.make({ query, headers, body, peer: this.peer, closing: this.#closing.signal });
  }

  async #send({ body, ...page }: AdminPage, request: AdminRequest | undefined): Promise<void> {
    const isHead = request?.method === "HEAD";
    if (isInOnePiece(body)) {
      const bytes = typeof body === "string" ? Buffer.from(body) : body;
      const hasBody = !STATUSES_WITHOUT_BODY.includes(page.status);
      await this.#write(headOf(page, hasBody ? [`Content-Length: ${bytes.length}`] : []));
      if (!isHead && hasBody) await this.#write(bytes);
      return;
    }
    const isChunked = request?.isHttp10 === false;
    await this.#write(headOf(page, isChunked ? ["Transfer-Encoding: chunked"] : []));
    if (isHead) return;
    for await (const part of body) {
      if (this.isClosing) return;
      const bytes = typeof part === "string" ? Buffer.from(part) : part;
      for (let at = 0; at < bytes.length; at += PIECE_BYTES_MAX) {
        await this.#writePiece(bytes, at, isChunked);
      }
    }
    if (isChunked) await this.#write(LAST_CHUNK);
  }

  /** Writes a piece of `bytes`, from `start` on, by way of the output buffer. */
  async #writePiece(bytes: Uint8Array, start: number, isChunked: boolean): Promise<void> {
    const { out } = this.#shared;
    const end = Math.min(bytes.length, start + PIECE_BYTES_MAX);
    let length = isChunked ? out.write(`${(end - start).toString(16)}\r\n`, "latin1") : 0;
    out.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), length);
    length += end - start;
    if (isChunked) length += out.write("\r\n", length, "latin1");
    await this.#write(out, length);
  }

  /**
   * Resolves when the kernel has all bytes, and all other clients had a turn. The caller may change `bytes`
   * at once.
   */
  async #write(bytes: Buffer, length = bytes.length): Promise<void> {
    if (this.isClosing) return;
    this.activeAtMs = this.#shared.context.clock();
    this.flush(bytes, length, NOTHING, 0);
    while (this.isPaused && !this.isClosing) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    await new Promise(setImmediate);
  }
}

/** Such an answer ends with its head, and names no length (RFC 9110, section 8.6). */
const STATUSES_WITHOUT_BODY = [204, 304];

function isInOnePiece(body: AdminPage["body"]): body is string | Buffer {
  return typeof body === "string" || Buffer.isBuffer(body);
}

const LAST_CHUNK = Buffer.from("0\r\n\r\n");

function headOf(page: Omit<AdminPage, "body">, framing: readonly string[]): Buffer {
  const { status, contentType, headers = {} } = page;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_TEXTS[status] ?? "Status"}`,
    `Date: ${new Date().toUTCString()}`,
    `Content-Type: ${contentType}`,
    ...Object.entries({ "Cache-Control": "no-store", ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    ),
    ...framing,
    "Connection: close",
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}
