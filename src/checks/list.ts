/** The kinds of check. To add one, put its file beside this one, and add a line here. */

import type { CheckKind } from "./check-kind.ts";
import { prometheus } from "./prometheus.ts";
import { webhook } from "./webhook.ts";

export const CHECK_KINDS: readonly CheckKind[] = [prometheus, webhook];
