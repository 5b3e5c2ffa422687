/** The token of the page, for one run of the demo. */

import { randomBytes } from "node:crypto";

/** People do not take these 32 signs for each other. */
const SIGNS = "abcdefghijkmnpqrstuvwxyz23456789";

const GROUPS = 4;
const GROUP_LENGTH = 4;

/** Four groups of four signs, such as `k3vx-x2mp-7fqw-hzzt`: 80 random bits. */
export function drawToken(): string {
  const signs = [...randomBytes(GROUPS * GROUP_LENGTH)].map((byte) => SIGNS[byte % SIGNS.length]);
  const groups = Array.from({ length: GROUPS }, (_, n) =>
    signs.slice(n * GROUP_LENGTH, (n + 1) * GROUP_LENGTH).join(""),
  );
  return groups.join("-");
}
