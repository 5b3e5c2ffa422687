/**
 * Decisions over HTTP, for nginx `auth_request`, Envoy `ext_authz`, Caddy `forward_auth` and applications
 * (docs/protocol/http.md).
 *
 *     any method, /decide or below; maxwellsdaemon: 0.42, or a cookie of that name
 *     → 200, no body, maxwellsdaemon: 0.42, maxwellsdaemon-location: canary
 *
 * The status is 200 whatever is asked, since every one of these proxies makes an error page of anything else.
 */

import type { Server as BunServer } from "bun";
import { assignmentOfText } from "../assignment.ts";
import { Problem } from "../config/option.ts";
import { type Address, addressText, parseAddress, parseHostPort, single } from "../config/values.ts";
import { type Decision, emptyRequest, type Request as Question } from "../handler.ts";
import type { ServerCounts } from "../metrics.ts";
import { idleTimeout, socketMode } from "./line.ts";
import { SPELLING_BYTES_MAX } from "./line-codec.ts";
import { DRAIN_MS, type Server, type ServerContext, type ServerKind } from "./server.ts";
import { SocketFile } from "./socket-file.ts";
import { Turn } from "./turn.ts";

/** The header of the assignment, in both directions, and the cookie. */
const ASSIGNMENT = "maxwellsdaemon";
const LOCATION = "maxwellsdaemon-location";
const APPLICATION = "maxwellsdaemon-application";
const KEY = "maxwellsdaemon-key";
const FORCE = "maxwellsdaemon-force";

/** A header may hold a cookie jar of this size before it counts as rubbish. */
const COOKIES_LENGTH_MAX = 262_144;

/**
 * Proxies keep idle connections for 60 s (nginx's `keepalive_timeout`); whoever closes first loses a race now and
 * then, so this side waits for longer.
 */
const IDLE_MIN_S = 75;
/**
 * More answers than this in one turn of the event loop are a client that pipelines without end; from here on each answer
 * closes its connection. Proxies have one request at a time on a connection.
 */
const ANSWERS_PER_TURN_MAX = 1_024;

/** Bun's limit. */
const IDLE_MAX_S = 255;

export const httpListen = single<Address | null>(
  {
    name: "http",
    placeholder: "ADDRESS",
    summary: "a listener that answers /decide over HTTP: HOST:PORT, unix:PATH, or none",
    defaultText: "none",
  },
  (text) => {
    if (text === "none") return null;
    const hostPort = parseHostPort(text);
    const address: Address | Problem =
      hostPort instanceof Problem ? parseAddress(text) : { kind: "tcp", ...hostPort };
    if (address instanceof Problem || address.kind === "fd") {
      return new Problem("write HOST:PORT, unix:PATH or none, such as 127.0.0.1:6294");
    }
    return address;
  },
);

export const http: ServerKind = {
  name: "http",
  options: [httpListen],
  addresses(settings) {
    const address = settings.get(httpListen);
    return address === null ? [] : [address];
  },
  create(settings, context) {
    return this.addresses(settings).map(
      (address) =>
        new HttpServer(context, {
          address,
          socketMode: settings.get(socketMode),
          idleTimeoutMs: settings.get(idleTimeout),
        }),
    );
  },
};

export interface HttpServerOptions {
  readonly address: Address;
  readonly socketMode: number;
  readonly idleTimeoutMs: number;
}

export class HttpServer implements Server {
  readonly name: string;
  readonly #options: HttpServerOptions;
  readonly #context: ServerContext;
  readonly #counts: ServerCounts;
  readonly #turn: Turn;
  readonly #question = emptyRequest();
  readonly #decision: Decision;
  /** One for all answers: a response copies its headers, and making them anew is half of its cost. */
  readonly #headers = new Headers();
  readonly #answer = { headers: this.#headers };
  #listener: BunServer<undefined> | undefined;
  #file: SocketFile | undefined;

  constructor(context: ServerContext, options: HttpServerOptions) {
    this.name = `http ${addressText(options.address)}`;
    this.#options = options;
    this.#context = context;
    this.#decision = context.handler.emptyDecision();
    this.#counts = context.metrics.server(this.name);
    this.#turn = new Turn(context.clock, context.metrics.delay);
  }

  /** The port of a TCP listener, once it listens. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  async start(): Promise<void> {
    const { address, idleTimeoutMs } = this.#options;
    const decide = (request: Request) => this.#decide(request);
    const common = {
      routes: { "/decide": decide, "/decide/*": decide },
      fetch: () => new Response("ask for /decide\n", { status: 404 }),
      error: (error: Error) => this.#failed(error),
      // A body is never read; its size is no reason to refuse the visitor it came with.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      development: false,
    };
    const idleTimeoutS = Math.min(IDLE_MAX_S, Math.max(IDLE_MIN_S, Math.ceil(idleTimeoutMs / 1000) + 15));
    if (address.kind === "unix") {
      const file = new SocketFile(address.path, this.#options.socketMode);
      // Bun's types leave the idle timeout out for unix sockets, where it works just the same.
      const options = { ...common, unix: file.temporaryPath, idleTimeout: idleTimeoutS };
      const listener = Bun.serve(options as typeof options & { idleTimeout?: never });
      try {
        if (file.publish()) this.#context.log.info("took over the socket", { path: address.path });
      } catch (error) {
        await listener.stop(true);
        throw error;
      }
      this.#file = file;
      this.#listener = listener;
    } else if (address.kind === "tcp") {
      this.#listener = Bun.serve({
        ...common,
        hostname: address.host,
        port: address.port,
        // With development off Bun shares the port with whoever has it; a second daemon is to be told instead.
        reusePort: false,
        idleTimeout: idleTimeoutS,
      });
    } else {
      throw new TypeError("HTTP cannot listen on a descriptor that was passed");
    }
  }

  async close(): Promise<void> {
    this.#file?.release();
    const answered = this.#listener?.stop(false);
    await Promise.race([answered, Bun.sleep(DRAIN_MS)]);
    await this.#listener?.stop(true);
  }

  #decide(request: Request): Response {
    const { handler } = this.#context;
    const spelling = readQuestion(request, this.#question, handler.allowsForce);
    handler.decide(this.#question, this.#turn.now(), this.#decision);
    const { assignment, placement } = this.#decision;
    this.#headers.set(ASSIGNMENT, assignment === this.#question.assignment ? spelling : String(assignment));
    this.#headers.set(LOCATION, placement.location);
    this.#counts.success++;
    this.#turn.answered(1);
    // Bun answers all that a connection pipelines before it looks at another one, and keeps what is not read.
    if (this.#turn.count <= ANSWERS_PER_TURN_MAX) return new Response(null, this.#answer);
    const response = new Response(null, this.#answer);
    response.headers.set("connection", "close");
    return response;
  }

  /** A bug of ours: even that is master for the visitor. */
  #failed(error: Error): Response {
    this.#counts.failure++;
    this.#context.log.error("a request failed", { server: this.name, error: error.message });
    this.#question.valid = false;
    this.#context.handler.decide(this.#question, this.#turn.now(), this.#decision);
    const { assignment, placement } = this.#decision;
    return new Response(null, {
      headers: { [ASSIGNMENT]: String(assignment), [LOCATION]: placement.location },
    });
  }
}

/**
 * Reads what a request asks into `question`. A header goes before the cookie, and an empty one was not given.
 *
 * @returns how the assignment was spelled, if it was given, is valid, and is no longer than any number needs
 */
export function readQuestion(request: Request, question: Question, allowsForce: boolean): string {
  const { headers } = request;
  const text = headers.get(ASSIGNMENT) || assignmentCookie(headers.get("cookie"));
  question.assignment = text ? assignmentOfText(text) : Number.NaN;
  question.valid = !text || !Number.isNaN(question.assignment);
  question.application = utf8(headers.get(APPLICATION)) || applicationInQuery(request.url);
  question.key = text ? undefined : utf8(headers.get(KEY)) || undefined;
  question.force = (allowsForce && headers.get(FORCE)) || undefined;
  return text && text.length <= SPELLING_BYTES_MAX ? text : String(question.assignment);
}

/** The value of the cookie `maxwellsdaemon` in a `Cookie` header (RFC 6265, section 4.2), or undefined. */
export function assignmentCookie(cookies: string | null): string | undefined {
  if (cookies === null || cookies.length > COOKIES_LENGTH_MAX) return undefined;
  let start = cookies.indexOf(COOKIE_START);
  while (start > 0 && cookies[start - 1] !== " " && cookies[start - 1] !== ";") {
    start = cookies.indexOf(COOKIE_START, start + 1);
  }
  if (start < 0) return undefined;
  const end = cookies.indexOf(";", start);
  return cookies.slice(start + COOKIE_START.length, end < 0 ? undefined : end).trim() || undefined;
}

/** Headers come as one character a byte; names and keys are UTF-8, and a key must mean the same over every protocol. */
function utf8(value: string | null): string | null {
  return value === null || ASCII.test(value) ? value : Buffer.from(value, "latin1").toString("utf8");
}

const ASCII = /^[\x20-\x7e]*$/;
const COOKIE_START = `${ASSIGNMENT}=`;

function applicationInQuery(url: string): string | undefined {
  const query = url.indexOf("?");
  if (query < 0) return undefined;
  return new URLSearchParams(url.slice(query + 1)).get("application") || undefined;
}
