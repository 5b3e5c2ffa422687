/** The kinds of server. A new one is a file beside this, and a line here. */

import type { TailEncoder } from "../placement.ts";
import { http } from "./http.ts";
import { line } from "./line.ts";
import type { ServerKind } from "./server.ts";
import { spop } from "./spop.ts";

export const SERVERS: readonly ServerKind[] = [line, http, spop];

/** What `Placements` are made with, so that the servers of these kinds find the ends of their replies. */
export const TAIL_ENCODERS: readonly TailEncoder[] = SERVERS.flatMap(({ tail }) => tail ?? []);
