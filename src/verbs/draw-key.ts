import { randomBytes } from "node:crypto";

const KEY_BYTES = 12;

/** Draws the key of a release, or the `tx` of a write: 96 random bits as 24 hexadecimal digits. */
export function drawKey(): string {
  return randomBytes(KEY_BYTES).toString("hex");
}
