/** A stream of bytes → its lines. */

/**
 * Yields lines as they arrive, without the empty ones. Throws a `RangeError` if a line is longer than
 * `bytesMax`, because a line stays in memory until it is complete.
 */
export async function* linesOf(
  stream: AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncGenerator<string, void, undefined> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(LF); ; end = chunk.indexOf(LF, start)) {
      const part = chunk.subarray(start, end < 0 ? chunk.length : end);
      length += part.length;
      if (length > bytesMax) throw new RangeError(`a line is longer than ${bytesMax} bytes`);
      parts.push(part);
      if (end < 0) break;
      if (length > 0) yield Buffer.concat(parts).toString();
      parts = [];
      length = 0;
      start = end + 1;
    }
  }
}

const LF = 0x0a;
