/** The web server that a check asks: its address and its secrets, as keys of the check's table. */

import { Problem } from "../config/option.ts";
import type { JsonSchema } from "../text/json-schema.ts";
import { oneLine } from "../text/one-line.ts";
import { quote } from "../text/quote.ts";
import type { CheckTools, KeyRow } from "./check-kind.ts";
import { type CheckRequest, send, Unanswered } from "./request.ts";
import { isHeaderValue, NoSecret, parseSource, readSource, SECRET_BYTES_MAX, type Source } from "./secret.ts";
import type { TableKeys } from "./table-keys.ts";

/**
 * This much of a body is read, though people see only a line of it: a secret that is cut in two cannot be
 * found and hidden.
 */
const SAID_BYTES_MAX = 2 * SECRET_BYTES_MAX;

/** A shorter text is not hidden, because it is a part of many words. */
const HIDDEN_LENGTH_MIN = 4;

const SOURCE: JsonSchema = { type: "string", pattern: "^(env:[A-Za-z_]|file:.)" };

/** A table of texts; numbers and switches count as text. */
export const TEXTS: JsonSchema = {
  type: "object",
  additionalProperties: { type: ["string", "number", "boolean"] },
};

/** The address of a web server, which each of these kinds has. */
export const URL_KEY: JsonSchema = { type: "string", pattern: String.raw`^\s*[Hh][Tt][Tt][Pp][Ss]?:` };

/** The keys of each kind that asks a web server. */
export const WEB_KEYS: readonly KeyRow[] = [
  {
    name: "token",
    form: "`env:NAME` or `file:PATH`",
    absent: "none",
    meaning: "the place of a secret that is sent as `Authorization: Bearer …`",
    schema: SOURCE,
  },
  {
    name: "login",
    form: "`env:NAME` or `file:PATH`",
    absent: "none",
    meaning: "the place of `USER:PASSWORD`, which is sent as `Authorization: Basic …`",
    schema: SOURCE,
  },
  {
    name: "headers",
    form: "a table of strings",
    absent: "none",
    meaning: "further headers; a value may be `env:NAME` or `file:PATH` too",
    schema: TEXTS,
  },
];

/** Headers that this program or `fetch` sets. */
const OWN_HEADERS = [
  ...["accept-encoding", "connection", "content-length", "content-type", "host", "transfer-encoding"],
  ...["authorization", "te", "upgrade", "expect", "keep-alive", "proxy-connection", "trailer"],
];

interface Header {
  readonly name: string;
  readonly source: Source;
  /** The value of the header from its secret. */
  readonly value: (secret: string) => string;
}

/** The answer of a web server. */
export interface Reply {
  readonly status: number;
  readonly response: Response;
  /** A text of the server for people: quoted, cut, on one line, and without the secrets that were sent. */
  shown(text: string): string;
}

export class WebServer {
  readonly url: URL;
  readonly #headers: readonly Header[];

  constructor(url: URL, headers: readonly Header[]) {
    this.url = url;
    this.#headers = headers;
  }

  /** Without path and query, because both may hold a secret. */
  get target(): string {
    return this.url.origin;
  }

  /** Never rejects. */
  async ask(
    request: CheckRequest,
    { environment, timeoutMs }: CheckTools,
    signal: AbortSignal,
  ): Promise<Reply | Unanswered> {
    const headers: Record<string, string> = { ...request.headers };
    const secrets: string[] = [];
    for (const { name, source, value } of this.#headers) {
      const secret = await readSource(source, environment);
      if (secret instanceof NoSecret) return new Unanswered(secret.why);
      headers[name] = value(secret);
      secrets.push(value(secret).replace(/^\w+ /, ""), secret, ...secret.split(":"));
    }
    const response = await send({ ...request, headers }, signal, timeoutMs);
    if (response instanceof Unanswered) return response;
    return { status: response.status, response, shown: (text) => shownText(text, secrets) };
  }
}

/** Reads `url`, `token`, `login` and `headers`. Undefined if one of them is missing or wrong. */
export function readWebServer(keys: TableKeys, example: string): WebServer | undefined {
  const url = keys.required("url", `"${example}"`, () => keys.text("url", parseUrl));
  const token = keys.source("token");
  const login = keys.source("login");
  if (keys.isSet("token") && keys.isSet("login")) {
    keys.report("login", "token is set too, and one request has only one of them; remove one");
  }
  const headers = Object.entries(keys.texts("headers")).flatMap(([name, text]) => {
    const header = readHeader(name, text);
    if (!(header instanceof Problem)) return [header];
    keys.report(`headers.${name}`, header.message);
    return [];
  });
  if (token !== undefined) headers.push(authorization(token, (secret) => `Bearer ${secret}`));
  if (login !== undefined) {
    headers.push(authorization(login, (secret) => `Basic ${Buffer.from(secret).toString("base64")}`));
  }
  return url && new WebServer(url, headers);
}

/**
 * The first bytes of a body as text, or all that came before the server stopped. The rest is not read. Never
 * rejects.
 */
export async function readStart({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body ?? []) {
      chunks.push(chunk);
      length += chunk.byteLength;
      if (length >= SAID_BYTES_MAX) break;
    }
  } catch {
    // The connection broke, or the time was over. The status counts all the same.
  }
  return Buffer.concat(chunks).toString("utf8", 0, SAID_BYTES_MAX);
}

/** @param secrets the longer ones before their parts */
function shownText(text: string, secrets: readonly string[]): string {
  const hidden = secrets.filter(({ length }) => length >= HIDDEN_LENGTH_MIN);
  const safe = hidden.reduce((all, secret) => all.replaceAll(secret, "***"), text);
  return oneLine(quote(safe.trim()));
}

function authorization(source: Source, value: Header["value"]): Header {
  return { name: "authorization", source, value };
}

function readHeader(name: string, text: string): Header | Problem {
  const lower = name.toLowerCase();
  if (lower === "authorization") return new Problem("name the place of the secret with token or login");
  if (OWN_HEADERS.includes(lower)) return new Problem("the daemon sets this header itself; remove it");
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return new Problem("write the name of a header");
  const source = parseSource(text);
  if (source instanceof Problem) return source;
  if (source.from === "text" && !isHeaderValue(text)) return new Problem("write one line of ASCII");
  return { name: lower, source, value: (secret) => secret };
}

function parseUrl(text: string): URL | Problem {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hash !== "") {
    return new Problem(`${quote(text)}: write a web address, such as https://HOST/PATH`);
  }
  if (url.username === "" && url.password === "") return url;
  return new Problem(`${quote(text)}: put USER:PASSWORD into a file, and name it: login = "file:PATH"`);
}
