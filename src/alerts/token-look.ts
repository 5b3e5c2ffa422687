/** Looks at the bearer token of a request. Wrong ones are limited by client, as at a login. */

import type { Asked } from "../admin/pages.ts";
import { isSame } from "../page/sessions.ts";
import { clientOf, type Tries } from "../page/tries.ts";

export type TokenLook = (token: string, asked: Asked) => Promise<"right" | "wrong" | "too-often">;

export function tokenLook(right: string, tries: Tries): TokenLook {
  return (token, { peer, headers, closing }) =>
    tries.try(clientOf(peer, headers), closing, () => isSame(token, right));
}
