/**
 * Changes one application in the bytes of a long document, in steps. All other bytes stay. Parsing and
 * formatting the whole would make visitors wait, because a daemon may lead releases and write too.
 */

import { type Document, formatDocument } from "./document.ts";
import { type Part, type Steps, split } from "./document-parts.ts";

/**
 * A document with only this application, or with none if the application is not there.
 *
 * @param bytes a valid document
 */
export function* onlyApplication(bytes: Buffer, application: string): Steps<Document> {
  const { part } = yield* locate(bytes, application);
  if (part === undefined) return {};
  const value: unknown = JSON.parse(bytes.toString("utf8", part.start, part.end));
  return Object.fromEntries([[application, value]]);
}

/**
 * The bytes with another state of this application.
 *
 * @param bytes a valid document
 * @param own   a document with only this application, or with none to remove it
 */
export function* withApplication(bytes: Buffer, application: string, own: Document): Steps<Buffer> {
  const { parts, part } = yield* locate(bytes, application);
  if (!Object.hasOwn(own, application)) {
    if (part === undefined) return bytes;
    // A name may be there twice. The last one counts, so all have to go.
    return yield* withApplication(without(bytes, parts, parts.indexOf(part)), application, own);
  }
  const value = formatDocument(own[application] as Document)
    .trimEnd()
    .replaceAll("\n", "\n  ");
  if (part !== undefined) return spliced(bytes, part.start, part.end, value);
  const last = parts.at(-1);
  if (last === undefined) return Buffer.from(formatDocument(own));
  return spliced(bytes, last.end, last.end, `,\n  ${JSON.stringify(application)}: ${value}`);
}

interface Located {
  readonly parts: readonly Part[];
  /** The one that counts. */
  readonly part: Part | undefined;
}

function* locate(bytes: Buffer, application: string): Steps<Located> {
  const found = yield* split(bytes);
  const parts = Array.isArray(found) ? found : [];
  let part: Part | undefined;
  for (const each of parts) {
    if (JSON.parse(bytes.toString("utf8", each.nameStart, each.nameEnd)) === application) part = each;
    yield;
  }
  return { parts, part };
}

/** The bytes without one part, and without the comma beside it. */
function without(bytes: Buffer, parts: readonly Part[], index: number): Buffer {
  const [before, part, after] = [parts[index - 1], parts[index], parts[index + 1]];
  if (part === undefined) return bytes;
  if (after !== undefined) return spliced(bytes, part.nameStart, after.nameStart, "");
  return spliced(bytes, before?.end ?? part.nameStart, part.end, "");
}

function spliced(bytes: Buffer, start: number, end: number, text: string): Buffer {
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(text), bytes.subarray(end)]);
}
