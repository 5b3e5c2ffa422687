/**
 * Applications and versions ⇄ keys of etcd: `PREFIX/APPLICATION/VERSION`. Pure.
 *
 * A key has names as they are, so that people can write keys by hand. Only two characters are encoded, so
 * that different names have different keys: a slash as %2F, a percent sign as %25. etcd's keys are bytes; the
 * gateway takes them in base64.
 */

/** A range in etcd's form: from `key` up to `range_end`, which is not included; both in base64. */
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
 * The key that is written with each removal of a record. It is outside the range of the records, so no daemon
 * reads it as one.
 */
export function removalKeyOf(prefix: string, application: string): string {
  return toBase64(directoryOf(prefix, application));
}

/** The application of a key; undefined if the key is not one of this program. */
export function applicationOf(prefix: string, key: string): string | undefined {
  const path = fromBase64(key);
  const end = path.indexOf("/", prefix.length + 1);
  if (!path.startsWith(`${prefix}/`) || end < 0) return undefined;
  const segment = path.slice(prefix.length + 1, end);
  const name = decodeName(segment);
  return encodeName(name) === segment ? name : undefined;
}

/**
 * The version of a key below its application's directory. If this program would encode it differently, it is
 * taken as it is.
 */
export function versionOf(prefix: string, application: string, key: string): string {
  const segment = fromBase64(key).slice(directoryOf(prefix, application).length + 1);
  const name = decodeName(segment);
  return encodeName(name) === segment ? name : segment;
}

/** The first key that can come after a key; both in base64. */
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
