/** The kinds of lease. A new kind is a file beside this one, and a line here. */

import { apacheMap } from "./apache-map.ts";
import { haproxyMap } from "./haproxy-map.ts";
import type { LeaseKind } from "./lease.ts";
import { traefik } from "./traefik.ts";

export const LEASES: readonly LeaseKind[] = [haproxyMap, apacheMap, traefik];
