/** The bytes of a file of rollouts, within the bound of a document. */

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { DOCUMENT_BYTES_MAX } from "../shared/document.ts";
import { StoreError, type StoreErrorCode } from "../store.ts";
import { errorCode } from "./faults.ts";

/** The bytes of a file of at most `DOCUMENT_BYTES_MAX`. Rejects with a `StoreError` or the system's error. */
export async function readBytes(path: string): Promise<Buffer> {
  // Opening a pipe would block until it has a writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  let bytes: Buffer;
  try {
    if (!(await handle.stat()).isFile()) {
      throw new StoreError("malformed", `${path} is not a regular file; name a JSON file`);
    }
    bytes = await readStart(handle, DOCUMENT_BYTES_MAX + 1);
  } finally {
    await handle.close();
  }
  if (bytes.byteLength > DOCUMENT_BYTES_MAX) throw tooLarge("malformed", `${path} is`);
  return bytes;
}

/** Throws a `StoreError` if the bytes are not UTF-8. @param path for the message */
export function textOf(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new StoreError("malformed", `${path} is not UTF-8 text; save it as UTF-8`, { cause: error });
  }
}

/** @param what the file, and its verb, as in `/etc/rollouts.json is` */
export function tooLarge(code: StoreErrorCode, what: string): StoreError {
  const remedy = "remove versions and applications that no daemon serves, or use several files";
  return new StoreError(code, `${what} larger than ${DOCUMENT_BYTES_MAX} bytes; ${remedy}`);
}

/** At most `bytesMax` bytes: a file that grows while it is read must not be read for ever. */
async function readStart(handle: FileHandle, bytesMax: number): Promise<Buffer> {
  const { size } = await handle.stat();
  const bytes = Buffer.alloc(Math.min(size + 1, bytesMax));
  let length = 0;
  while (length < bytes.byteLength) {
    const { bytesRead } = await handle.read(bytes, length, bytes.byteLength - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

/** The same as `readBytes`; undefined if there is no file. */
export async function readIfAny(path: string): Promise<Buffer | undefined> {
  try {
    return await readBytes(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** @param one undefined if there is no file */
export function areSame(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}
