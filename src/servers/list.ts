/** The kinds of server. A new kind is a file beside this one, and a line here. */

import type { TailEncoder } from "../placement.ts";
import { http } from "./http.ts";
import { line } from "./line.ts";
import type { ServerKind } from "./server.ts";
import { spop } from "./spop.ts";

export const SERVERS: readonly ServerKind[] = [line, http, spop];

/** `Placements` prepares the ends of replies with these, so that servers find them ready. */
export const TAIL_ENCODERS: readonly TailEncoder[] = SERVERS.flatMap(({ tail }) => tail ?? []);
