/** Reads the body of an answer, with a limit. */

/**
 * The body as text; undefined if it is longer than `bytesMax`. Rejects if it is not UTF-8 or does not arrive
 * completely.
 */
export async function readText(response: Response, bytesMax: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
}
