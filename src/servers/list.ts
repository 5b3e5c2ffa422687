/** The kinds of server. A new one is a file beside this, and a line here. */

import { apacheMapKind } from "./apache-map.ts";
import { haproxyMapKind } from "./haproxy-map.ts";
import { http } from "./http.ts";
import { line } from "./line.ts";
import type { ServerKind } from "./server.ts";
import { spop } from "./spop.ts";
import { traefik } from "./traefik.ts";

export const SERVERS: readonly ServerKind[] = [line, http, spop, haproxyMapKind, traefik, apacheMapKind];
