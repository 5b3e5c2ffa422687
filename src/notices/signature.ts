/**
 * The symmetric signature of standard webhooks (standardwebhooks.com, version 1.0.0): HMAC-SHA256 over the
 * id, the time of the attempt and the body. If there are several secrets, each signs, so that a secret can be
 * replaced while receivers still have the old one.
 */

import { createHmac } from "node:crypto";
import { Problem } from "../config/option.ts";

const PREFIX = "whsec_";

/** The specification wants a secret of this many bytes. */
const BYTES_MIN = 24;
const BYTES_MAX = 64;

const WANTED = new Problem(
  `write a secret as ${PREFIX} and the base64 of ${BYTES_MIN} to ${BYTES_MAX} random bytes: echo ${PREFIX}$(openssl rand -base64 32)`,
);

/** Whether a text is meant as a secret, so that it must not be shown. */
export function isSecret(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** The key of a secret such as `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`. No message repeats the secret. */
export function readSecret(text: string): Uint8Array | Problem {
  if (!isSecret(text)) return WANTED;
  const base64 = text.slice(PREFIX.length);
  const key = Buffer.from(base64, "base64");
  // Buffer skips characters that are not base64, and then the receiver would have another key.
  const isWhole = key.toString("base64").replace(/=+$/, "") === base64.replace(/=+$/, "");
  return isWhole && key.length >= BYTES_MIN && key.length <= BYTES_MAX ? key : WANTED;
}

/** The headers of one attempt. */
export function signedHeaders(
  id: string,
  nowMs: number,
  body: string,
  keys: readonly Uint8Array[],
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signatures = keys.map((key) => {
    const hmac = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`);
    return `v1,${hmac.digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}
