/**
 * Rollouts in a document that any web server serves, in the format of the file store: S3, a git forge, a
 * config service. Read-only. A page that has not changed is not sent again (ETag and If-None-Match, RFC 9110,
 * section 13).
 *
 * If a server makes its ETag from the time of change in seconds, two changes within a second have the same
 * ETag. So the ETag is used only if the document was not changed right before it was sent (RFC 9110, section
 * 8.8.2.2).
 */

import { redactAddress } from "../text/redact.ts";
import { bodyFault, requestFault, statusFault } from "./http/faults.ts";
import { get } from "./http/request.ts";
import { readText } from "./shared/body.ts";
import { applicationsOf, DOCUMENT_BYTES_MAX, parseDocument } from "./shared/document.ts";
import { DocumentReader } from "./shared/document-reader.ts";
import {
  type Snapshot,
  type Snapshots,
  type Store,
  type StoreContext,
  StoreError,
  type StoreKind,
} from "./store.ts";

/** From the request to the last byte. */
const REQUEST_TIMEOUT_MS = 3_000;

/** A document that was changed this shortly before it was sent may change again and keep its ETag. */
const VALIDATOR_AGE_MS_MIN = 2_000;

const NOT_MODIFIED = 304;

export const http: StoreKind = kind("http");
export const https: StoreKind = kind("https");

function kind(name: "http" | "https"): StoreKind {
  return {
    name,
    usage: `${name}://HOST/PATH`,
    summary: "a JSON file at a web address, read-only",
    isReadOnly: true,
    check(location) {
      return urlOf(name, location) === undefined
        ? `write the address of a JSON file, as in ${name}://config.internal/rollouts.json, and in user and password a % as %25`
        : undefined;
    },
    async open(context: StoreContext): Promise<Store> {
      const url = urlOf(name, context.location) ?? new URL(`${name}:${context.location}`);
      return new HttpStore(url, context.warn.bind(context));
    },
  };
}

/** The last document, with its ETag for the next request, and the address that the ETag belongs to. */
interface Known {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly href: string;
}

class HttpStore implements Store {
  readonly address: string;
  readonly #url: URL;
  readonly #login: Readonly<Record<string, string>>;
  readonly #warn: (message: string) => void;
  readonly #reader: DocumentReader;
  readonly #closing = new AbortController();
  #known: Known | undefined;
  /** The address that answered last. */
  #href: string;

  constructor(url: URL, warn: (message: string) => void) {
    this.address = redactAddress(url.href);
    this.#reader = new DocumentReader(this.address);
    this.#url = new URL(url);
    this.#url.username = "";
    this.#url.password = "";
    this.#href = this.#url.href;
    this.#login = authorization(url);
    this.#warn = warn;
  }

  async read(application: string, signal: AbortSignal): Promise<Snapshot> {
    const snapshot = (await this.readMany([application], signal)).get(application);
    if (snapshot instanceof StoreError || snapshot === undefined) throw snapshot;
    return snapshot;
  }

  async readMany(_applications: readonly string[], signal: AbortSignal): Promise<Snapshots> {
    return this.#reader.read(await this.#document(signal));
  }

  async applications(signal: AbortSignal): Promise<readonly string[]> {
    return applicationsOf(parseDocument(this.address, (await this.#document(signal)).toString()));
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async #document(signal: AbortSignal): Promise<Buffer> {
    const known = this.#known;
    const inTime = AbortSignal.any([signal, this.#closing.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
    let response: Response;
    let href: string;
    let text: string | undefined;
    try {
      const got = await get(this.#url, (at, isOwn) => this.#headersFor(at, isOwn, known), inTime);
      response = got.response;
      href = got.url.href;
      if (response.ok) text = await readText(response, DOCUMENT_BYTES_MAX);
      else await response.body?.cancel();
    } catch (error) {
      throw requestFault(this.address, error, REQUEST_TIMEOUT_MS);
    }
    this.#tellOf(href);
    if (response.status === NOT_MODIFIED && known?.href === href) return known.bytes;
    if (!response.ok) throw statusFault(this.address, response.status);
    if (text === undefined) throw bodyFault(this.address, DOCUMENT_BYTES_MAX);
    const bytes = Buffer.from(text);
    const etag = response.headers.get("etag");
    this.#known = etag === null || !isOldEnough(response.headers) ? undefined : { bytes, etag, href };
    return bytes;
  }

  #headersFor(at: URL, isOwn: boolean, known: Known | undefined): Readonly<Record<string, string>> {
    return {
      accept: "application/json",
      // A cache must ask the server before it answers, because it could still have a canary that was taken
      // back.
      "cache-control": "no-cache",
      ...(isOwn ? this.#login : {}),
      ...(known?.href === at.href ? { "if-none-match": known.etag } : {}),
    };
  }

  /** Warns once if the answer comes from another address than the operator named. */
  #tellOf(href: string): void {
    if (href === this.#href) return;
    this.#href = href;
    const isOwn = href === this.#url.href;
    this.#warn(
      isOwn
        ? `${this.address} answers itself again, without a redirect`
        : `${this.address} is redirected: the rollouts come from ${redactAddress(href)}; if that is not meant, look at its server`,
    );
  }
}

/** The whole address; undefined if it is not valid, or has parts that are not allowed. */
function urlOf(name: string, location: string): URL | undefined {
  const url = URL.parse(`${name}:${location}`);
  if (!location.startsWith("//") || url === null || url.hostname === "" || url.hash !== "") return undefined;
  try {
    authorization(url);
    return url;
  } catch {
    // The user or the password has a % that encodes no character.
    return undefined;
  }
}

function authorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === "" && password === "") return {};
  const both = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(both).toString("base64")}` };
}

/** If the server sends no time of change, its ETag is not made from that time, so it is trusted. */
function isOldEnough(headers: Headers): boolean {
  const changedAtMs = Date.parse(headers.get("last-modified") ?? "");
  const sentAtMs = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(changedAtMs) || sentAtMs - changedAtMs >= VALIDATOR_AGE_MS_MIN;
}
