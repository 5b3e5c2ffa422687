import { redactAddress } from "./redact.ts";

const QUOTED_LENGTH_MAX = 120;

/**
 * A text from outside for a message: quoted, with control characters escaped, without passwords, and cut to
 * the length of a line.
 */
export function quote(text: string, mark: '"' | "" = '"'): string {
  const safe = redactAddress(text);
  const escaped = JSON.stringify(safe.slice(0, QUOTED_LENGTH_MAX)).slice(1, -1);
  const plain = mark === "" ? escaped.replaceAll('\\"', '"') : escaped;
  return `${mark}${plain}${safe.length > QUOTED_LENGTH_MAX ? "…" : ""}${mark}`;
}
