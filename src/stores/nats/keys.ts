/**
 * Applications and versions ⇄ keys of a bucket: `APPLICATION.VERSION`. Pure.
 *
 * A key has letters, digits, `-` and `_` of a name as they are, so that people can write keys by hand. Each
 * other byte is `=` and two hexadecimal digits: `two words` is `two=20words`. So the point is always the end
 * of the application's name.
 */

/** The subject of the messages that are the values of a key. */
const SUBJECT = "$KV.";

const PLAIN = /^[A-Za-z0-9_-]$/;

/** The subject of a record. */
export function subjectOf(bucket: string, application: string, version: string): string {
  return `${SUBJECT}${bucket}.${encodeName(application)}.${encodeName(version)}`;
}

/** The subjects of all records of an application. */
export function subjectsOf(bucket: string, application: string): string {
  return `${SUBJECT}${bucket}.${encodeName(application)}.*`;
}

/** The subjects of all keys of a bucket. */
export function allSubjects(bucket: string): string {
  return `${SUBJECT}${bucket}.>`;
}

/** The record of a subject; undefined if the subject is not one of this program. */
export function nameOf(
  bucket: string,
  subject: string,
): { readonly application: string; readonly version: string } | undefined {
  const start = `${SUBJECT}${bucket}.`;
  if (!subject.startsWith(start)) return undefined;
  const [first = "", second = "", ...others] = subject.slice(start.length).split(".");
  if (others.length > 0) return undefined;
  const [application, version] = [decodeName(first), decodeName(second)];
  return application === undefined || version === undefined ? undefined : { application, version };
}

/** @param name not empty */
export function encodeName(name: string): string {
  return [...name.toWellFormed()].map((letter) => (PLAIN.test(letter) ? letter : encoded(letter))).join("");
}

function encoded(letter: string): string {
  return [...Buffer.from(letter)]
    .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, "0")}`)
    .join("");
}

/** Undefined if this program would not encode any name like this. */
function decodeName(segment: string): string | undefined {
  const bytes = segment.replace(/=([0-9A-F]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  const name = Buffer.from(bytes, "latin1").toString();
  return name !== "" && encodeName(name) === segment ? name : undefined;
}
