/**
 * A reply of HTTP/1.1 (RFC 9112) read from the bytes that have arrived so far. Pure. A doctor reads replies itself, as it
 * has to see each header as it came, and whether a connection was kept.
 */

/** What of a body is read; a page says which version it is in its beginning. */
export const BODY_BYTES_MAX = 1_048_576;

/** Heads are rarely over 16 KiB; a longer one is no reply. */
export const HEAD_BYTES_MAX = 262_144;

export interface HttpReply {
  readonly status: number;
  /** In the order of their lines, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The first `BODY_BYTES_MAX` of it. */
  readonly body: string;
  /** Whether another request may follow on the connection. */
  readonly isKept: boolean;
}

/**
 * @param bytes   all that came since the request
 * @param isEnded the other side has ended the connection
 * @returns undefined while there is more to come, "malformed" if it is no reply
 */
export function readReply(bytes: Buffer, isEnded: boolean): HttpReply | "malformed" | undefined {
  let start = 0;
  for (;;) {
    const end = bytes.indexOf("\r\n\r\n", start);
    if (end < 0) return isEnded || bytes.length - start > HEAD_BYTES_MAX ? "malformed" : undefined;
    const [first = "", ...lines] = bytes.toString("latin1", start, end).split("\r\n");
    const [, minor, code] = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first) ?? [];
    if (code === undefined) return "malformed";
    const status = Number(code);
    start = end + 4;
    // 100 Continue, 103 Early Hints: the reply itself follows.
    if (status < 200) continue;
    const headers = lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    });
    const body = readBody(bytes.subarray(start), status, headers, isEnded);
    if (body === undefined || body === "malformed") return body;
    const connection = headerOf(headers, "connection")?.toLowerCase();
    const isKept =
      body.isDelimited && connection !== "close" && (minor === "1" || connection === "keep-alive");
    return { status, headers, body: body.text, isKept };
  }
}

/** The first header of this name, in lower case; undefined if there is none. */
export function headerOf(headers: HttpReply["headers"], name: string): string | undefined {
  return headers.find(([each]) => each === name)?.[1];
}

interface Body {
  readonly text: string;
  /** Whether its end is known without the connection's. */
  readonly isDelimited: boolean;
}

function readBody(
  bytes: Buffer,
  status: number,
  headers: HttpReply["headers"],
  isEnded: boolean,
): Body | "malformed" | undefined {
  if (status === 204 || status === 304) return { text: "", isDelimited: true };
  if (headerOf(headers, "transfer-encoding")?.toLowerCase().endsWith("chunked"))
    return readChunks(bytes, isEnded);
  const length = Number(headerOf(headers, "content-length") ?? Number.NaN);
  const isDelimited = Number.isFinite(length);
  const isWhole = isDelimited ? bytes.length >= length : isEnded;
  if (!isWhole && bytes.length < BODY_BYTES_MAX) return isEnded ? "malformed" : undefined;
  const end = isDelimited ? Math.min(length, BODY_BYTES_MAX) : BODY_BYTES_MAX;
  return { text: bytes.toString("utf8", 0, end), isDelimited: isWhole && isDelimited };
}

function readChunks(bytes: Buffer, isEnded: boolean): Body | "malformed" | undefined {
  const more = isEnded ? "malformed" : undefined;
  const parts: Buffer[] = [];
  let length = 0;
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return more;
    const [, digits] = /^([0-9a-fA-F]{1,8})(?:[ \t;].*)?$/.exec(bytes.toString("latin1", at, lineEnd)) ?? [];
    if (digits === undefined) return "malformed";
    const size = Number.parseInt(digits, 16);
    const text = () => Buffer.concat(parts).toString("utf8", 0, BODY_BYTES_MAX);
    at = lineEnd + 2;
    if (size === 0) {
      // Trailers, or at once the empty line.
      const end = bytes.indexOf("\r\n\r\n", lineEnd);
      if (end < 0) return more;
      return { text: text(), isDelimited: true };
    }
    const wanted = BODY_BYTES_MAX - length;
    parts.push(bytes.subarray(at, at + size));
    length += size;
    if (size >= wanted && bytes.length >= at + wanted) return { text: text(), isDelimited: false };
    at += size + 2;
    if (at > bytes.length) return more;
  }
}
