/**
 * Checks the bytes of a NATS server before the client's parser gets them. The parser waits for a message of
 * any length, and writes to the standard output what it cannot read. So a message that is too long, and bytes
 * that are not of this protocol, must not reach it.
 */

/**
 * The longest message. The longest answers are the list of all keys of a bucket, and a value of the usual
 * limit of a server, 1 MiB, in base64.
 */
export const FRAME_BYTES_MAX = 4 * 1024 * 1024;

/** The longest line. The first line of a server names all servers of its cluster. */
const LINE_BYTES_MAX = 64 * 1024;

const WORD = /^(?:\+OK|PING|PONG|-ERR [^\r]*)\r$/;
const INFO = /^INFO (\{.*\})\s*\r$/;
const MESSAGE = /^MSG \S+ \d+ +(?:\S+ +)?(\d{1,8})\r$/;
const MESSAGE_WITH_HEADERS = /^HMSG \S+ \d+ +(?:\S+ +)?(\d{1,8}) (\d{1,8})\r$/;

const LF = 0x0a;

export class Frames {
  /** Bytes of a message that are still to come. */
  #left = 0;
  /** The end of a message is a line too: an empty one. */
  #isInMessage = false;
  /** The line so far. */
  #line = "";

  /** @returns whether all bytes so far are of the protocol, and within the limits */
  take(bytes: Uint8Array): boolean {
    let at = 0;
    while (at < bytes.length) {
      const skipped = Math.min(this.#left, bytes.length - at);
      this.#left -= skipped;
      at += skipped;
      if (at === bytes.length) return true;
      const end = bytes.indexOf(LF, at);
      this.#line += Buffer.from(bytes.subarray(at, end < 0 ? bytes.length : end)).toString("latin1");
      if (this.#line.length > LINE_BYTES_MAX) return false;
      if (end < 0) return true;
      if (!this.#takeLine()) return false;
      this.#line = "";
      at = end + 1;
    }
    return true;
  }

  #takeLine(): boolean {
    const line = this.#line;
    if (this.#isInMessage) {
      this.#isInMessage = false;
      return line === "\r";
    }
    if (WORD.test(line)) return true;
    const [, info] = INFO.exec(line) ?? [];
    if (info !== undefined) return isJson(info);
    const [, headers = "0", size] = MESSAGE_WITH_HEADERS.exec(line) ?? [];
    const bytes = Number(size ?? MESSAGE.exec(line)?.[1]);
    if (!(bytes <= FRAME_BYTES_MAX) || Number(headers) > bytes) return false;
    this.#left = bytes;
    this.#isInMessage = true;
    return true;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
