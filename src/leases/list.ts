/** The kinds of lease. A new kind is a file beside this one, and a line here. */

import { apacheMapKind } from "./apache-map.ts";
import { haproxyMapKind } from "./haproxy-map.ts";
import type { LeaseKind } from "./lease.ts";
import { traefik } from "./traefik.ts";

export const LEASES: readonly LeaseKind[] = [haproxyMapKind, apacheMapKind, traefik];
