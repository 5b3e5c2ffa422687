/** The checks, in their order: what a later one needs, an earlier one has seen. A new one is a file in `checks`, and a line here. */

import type { Check } from "./check.ts";
import { asked } from "./checks/asked.ts";
import { cache } from "./checks/cache.ts";
import { cookie } from "./checks/cookie.ts";
import { daemon } from "./checks/daemon.ts";
import { force, forged } from "./checks/forged.ts";
import { gone } from "./checks/gone.ts";
import { hostile } from "./checks/hostile.ts";
import { maintenance } from "./checks/maintenance.ts";
import { proxies } from "./checks/proxies.ts";
import { reach } from "./checks/reach.ts";
import { socket } from "./checks/socket.ts";
import { split } from "./checks/split.ts";
import { sticky } from "./checks/sticky.ts";
import { store } from "./checks/store.ts";
import { told } from "./checks/told.ts";
import { url } from "./checks/url.ts";

const MACHINE: readonly Check[] = [proxies, daemon, store, socket, maintenance];
const VISITORS: readonly Check[] = [url, told, asked, split, sticky, cookie, hostile, forged, force, cache];

// `reach` is milder where a proxy was seen to ask, and nothing comes after the one that breaks something.
export const CHECKS: readonly Check[] = [...MACHINE, ...VISITORS, reach, gone];
