/**
 * Applications and versions ⇄ keys of etcd: `PREFIX/APPLICATION/VERSION`. Pure.
 *
 * Names are as they are in a key, so that people write keys by hand; only what would make two names one is
 * encoded: a slash as %2F, a percent sign as %25. etcd keeps bytes, which travel in base64.
 */

/** A range as etcd spells it: from `key` on, without `range_end`; both in base64. */
export interface KeyRange {
  readonly key: string;
  readonly range_end: string;
}

/** All keys below a directory: `0` is the character after the slash. */
export function below(directory: string): KeyRange {
  return { key: toBase64(`${directory}/`), range_end: toBase64(`${directory}0`) };
}

export function directoryOf(prefix: string, application: string): string {
  return `${prefix}/${encodeName(application)}`;
}

export function keyOf(prefix: string, application: string, version: string): string {
  return toBase64(`${directoryOf(prefix, application)}/${encodeName(version)}`);
}

/**
 * The key that is written with each removal of a record. It lies beside the records: no daemon reads it as
 * one.
 */
export function removalKeyOf(prefix: string, application: string): string {
  return toBase64(directoryOf(prefix, application));
}

/** The application that a key belongs to; undefined where it is none of ours. */
export function applicationOf(prefix: string, key: string): string | undefined {
  const path = fromBase64(key);
  const end = path.indexOf("/", prefix.length + 1);
  if (!path.startsWith(`${prefix}/`) || end < 0) return undefined;
  const segment = path.slice(prefix.length + 1, end);
  const name = decodeName(segment);
  return encodeName(name) === segment ? name : undefined;
}

/**
 * The version that a key below its application's directory names; as it is in the key if this program did not
 * spell it.
 */
export function versionOf(prefix: string, application: string, key: string): string {
  const segment = fromBase64(key).slice(directoryOf(prefix, application).length + 1);
  const name = decodeName(segment);
  return encodeName(name) === segment ? name : segment;
}

/** The first key that may come after one; both in base64. */
export function next(key: string): string {
  return Buffer.concat([Buffer.from(key, "base64"), Buffer.of(0)]).toString("base64");
}

export function toBase64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** Bytes that are not UTF-8 come back as replacement characters. */
export function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString();
}

function encodeName(name: string): string {
  return name.toWellFormed().replaceAll("%", "%25").replaceAll("/", "%2F");
}

function decodeName(segment: string): string {
  return segment.replaceAll("%2F", "/").replaceAll("%25", "%");
}
