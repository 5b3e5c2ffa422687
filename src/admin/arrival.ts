/** The arrival of one request to the admin listener: its head, and then its body if it has one. */

import { type AdminPage, text } from "./pages.ts";
import { type AdminRequest, readAdminRequest } from "./request.ts";

/** The longest head of a request. A browser with many cookies sends some thousand bytes. */
export const HEAD_BYTES_MAX = 8_192;

/** The longest body. A verb with a reason has some hundred bytes. */
export const BODY_BYTES_MAX = 16_384;

const END_OF_HEAD = "\r\n\r\n";

/** A whole request, or the answer to one that is not read any further. */
export type Arrived =
  | { readonly request: AdminRequest; readonly body: string }
  | { readonly request: undefined; readonly refusal: AdminPage };

export class Arrival {
  readonly #bodyBytesMaxOf: (path: string) => number;
  #head: { readonly request: AdminRequest; readonly bodyAt: number; readonly length: number } | undefined;

  /** @param bodyBytesMaxOf the longest body for a path */
  constructor(bodyBytesMaxOf: (path: string) => number) {
    this.#bodyBytesMaxOf = bodyBytesMaxOf;
  }

  /**
   * @param part all bytes that came so far
   * @returns undefined if more has to come
   */
  read(part: Buffer): Arrived | undefined {
    this.#head ??= readHead(part);
    const head = this.#head;
    if (head === undefined) {
      const isHopeless = part.length >= HEAD_BYTES_MAX || part.includes(END_OF_HEAD, 0, "latin1");
      return isHopeless ? { request: undefined, refusal: headRefusal(part) } : undefined;
    }
    const { request, bodyAt, length } = head;
    if (Number.isNaN(length)) return { request: undefined, refusal: NO_LENGTH };
    const max = this.#bodyBytesMaxOf(request.path);
    if (length > max)
      return { request: undefined, refusal: text(413, `send a body of at most ${max} bytes\n`) };
    if (part.length < bodyAt + length) return undefined;
    return { request, body: part.toString("utf8", bodyAt, bodyAt + length) };
  }
}

/** @returns undefined without a whole head that can be read */
function readHead(part: Buffer) {
  const end = part.indexOf(END_OF_HEAD, 0, "latin1");
  if (end < 0 || end > HEAD_BYTES_MAX) return undefined;
  const request = readAdminRequest(part.toString("latin1", 0, end));
  if (request === undefined) return undefined;
  return { request, bodyAt: end + END_OF_HEAD.length, length: bodyLength(request) };
}

/** Only a request with POST has a body that is read. NaN if its length is not certain. */
function bodyLength({ method, headers }: AdminRequest): number {
  if (method !== "POST") return 0;
  const length = headers.get("content-length") ?? "0";
  return headers.has("transfer-encoding") || !/^\d{1,9}$/.test(length) ? Number.NaN : Number(length);
}

function headRefusal(part: Buffer): AdminPage {
  const end = part.indexOf(END_OF_HEAD, 0, "latin1");
  return end < 0 || end > HEAD_BYTES_MAX
    ? text(431, `send a head of at most ${HEAD_BYTES_MAX} bytes\n`)
    : text(400, "this is not a request of HTTP/1\n");
}

const NO_LENGTH = text(411, "say the length of the body with Content-Length\n");
