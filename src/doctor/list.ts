/**
 * The checks in their order: a cause comes before its consequences. A new check needs a file in `checks`, and
 * a line here.
 */

import type { Check } from "./check.ts";
import { cache } from "./checks/cache.ts";
import { cookie } from "./checks/cookie.ts";
import { daemon } from "./checks/daemon.ts";
import { errors } from "./checks/errors.ts";
import { force, forged } from "./checks/forged.ts";
import { hostile } from "./checks/hostile.ts";
import { leases } from "./checks/leases.ts";
import { maintenance } from "./checks/maintenance.ts";
import { outage } from "./checks/outage.ts";
import { proxies } from "./checks/proxies.ts";
import { proxyAsks } from "./checks/proxy-asks.ts";
import { records } from "./checks/records.ts";
import { releases } from "./checks/releases.ts";
import { reporting } from "./checks/reporting.ts";
import { sharedCaches } from "./checks/shared-caches.ts";
import { socket } from "./checks/socket.ts";
import { socketAccess } from "./checks/socket-access.ts";
import { split } from "./checks/split.ts";
import { sticky } from "./checks/sticky.ts";
import { store } from "./checks/store.ts";
import { url } from "./checks/url.ts";
import { versionShown } from "./checks/version-shown.ts";

const MACHINE: readonly Check[] = [
  proxies,
  daemon,
  store,
  records,
  maintenance,
  socket,
  socketAccess,
  leases,
  releases,
];

const VISITORS: readonly Check[] = [
  url,
  errors,
  versionShown,
  proxyAsks,
  cache,
  split,
  sticky,
  cookie,
  sharedCaches,
  hostile,
  forged,
  force,
  reporting,
];

// The check that breaks something comes last.
export const CHECKS: readonly Check[] = [...MACHINE, ...VISITORS, outage];
