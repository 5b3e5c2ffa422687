/**
 * Writes the text of a long page directly as bytes.
 *
 * The page of ten thousand applications has some megabytes. If it were made of objects and strings, it would
 * leave several times as much garbage, and visitors wait during each collection. Here names and numbers go
 * into one buffer that is used again and again.
 */

/** The first length of the buffer. It grows if a part is longer. */
const ROOM_BYTES = 32_768;

/** The buffer is full from this length on: then the caller takes its bytes. */
const CHUNK_BYTES = 16_384;

/** The most bytes of UTF-8 for each character of a string (a UTF-16 unit). */
const BYTES_PER_CHARACTER = 3;

/** The number of digits of the largest safe integer. */
const DIGITS_MAX = 16;

const [ZERO, SPACE, QUOTE, BACKSLASH, DELETE] = [0x30, 0x20, 0x22, 0x5c, 0x7f];

export class ByteWriter {
  #room = Buffer.allocUnsafeSlow(ROOM_BYTES);
  #length = 0;

  /** Whether the caller should take the bytes now. */
  get isFull(): boolean {
    return this.#length >= CHUNK_BYTES;
  }

  /** The bytes since the last call. They are valid only until the next write. */
  take(): Buffer {
    const taken = this.#room.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }

  text(text: string): void {
    this.#reserve(text.length * BYTES_PER_CHARACTER);
    const start = this.#length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= DELETE) {
        this.#length = start + this.#room.write(text, start);
        return;
      }
      this.#room[start + i] = code;
    }
    this.#length = start + text.length;
  }

  /** Writes a string in JSON, with its quotes. */
  string(text: string): void {
    this.#reserve(text.length + 2);
    const room = this.#room;
    let at = this.#length;
    room[at++] = QUOTE;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < SPACE || code === QUOTE || code === BACKSLASH || code >= DELETE) {
        this.text(JSON.stringify(text));
        return;
      }
      room[at++] = code;
    }
    room[at++] = QUOTE;
    this.#length = at;
  }

  /** Writes a finite number in JSON. */
  number(value: number): void {
    if (!(Number.isSafeInteger(value) && value >= 0)) {
      this.text(String(value));
      return;
    }
    this.#reserve(DIGITS_MAX);
    let digits = 1;
    for (let bound = 10; value >= bound; bound *= 10) digits++;
    let rest = value;
    for (let at = this.#length + digits - 1; at >= this.#length; at--) {
      const tenth = Math.floor(rest / 10);
      this.#room[at] = ZERO + (rest - 10 * tenth);
      rest = tenth;
    }
    this.#length += digits;
  }

  /** Makes room for that many more bytes. */
  #reserve(bytes: number): void {
    const length = this.#length + bytes;
    if (length <= this.#room.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#room.length, length));
    grown.set(this.#room.subarray(0, this.#length));
    this.#room = grown;
  }
}
