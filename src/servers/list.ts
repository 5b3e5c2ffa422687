/** The kinds of server. A new one is a file beside this, and a line here. */

import { http } from "./http.ts";
import { line } from "./line.ts";
import type { ServerKind } from "./server.ts";
import { spop } from "./spop.ts";

export const SERVERS: readonly ServerKind[] = [line, http, spop];
