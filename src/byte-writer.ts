/**
 * The text of a long page, written into bytes at once.
 *
 * A page of ten thousand applications is some megabytes. Made from objects and strings, it leaves several
 * times as much garbage, and visitors wait for each collection. Here names and numbers go into one buffer
 * that is used again and again.
 */

/** The first length of the buffer. It grows if a part is longer. */
const ROOM_BYTES = 32_768;

/** A part of this length is long enough to be handed over. */
const CHUNK_BYTES = 16_384;

/** A character takes at most this many bytes of UTF-8, counted from the characters of a string. */
const BYTES_PER_CHARACTER = 3;

/** The digits of the largest whole number that is written digit by digit. */
const DIGITS_MAX = 16;

const [ZERO, SPACE, QUOTE, BACKSLASH, DELETE] = [0x30, 0x20, 0x22, 0x5c, 0x7f];

export class ByteWriter {
  #room = Buffer.allocUnsafeSlow(ROOM_BYTES);
  #length = 0;

  /** Whether there is enough to hand over. */
  get isFull(): boolean {
    return this.#length >= CHUNK_BYTES;
  }

  /** All that was written since the last time. Its bytes hold until the next write. */
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

  /** A string as JSON has it, with its quotes. */
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

  /** A finite number as JSON has it. */
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
