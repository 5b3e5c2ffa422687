/** All options of the daemon: its own, and those of all servers, leases, monitors, doors and notices. */

import { admin, adminHost } from "../admin/admin.ts";
import { checks } from "../checks/named-checks.ts";
import type { Option, Tables } from "../config/option.ts";
import { OUTCOME_OPTIONS } from "../intake/options.ts";
import { LEASES } from "../leases/list.ts";
import { MONITORS } from "../monitors/list.ts";
import { NOTICE_OPTIONS } from "../notices/options.ts";
import { PAGE_OPTIONS } from "../page/options.ts";
import { plans } from "../releases/named-plans.ts";
import { SERVERS } from "../servers/list.ts";
import { OWN_OPTIONS } from "../settings/options.ts";

/** In the order of the configuration page. */
export function allOptions(): readonly Option<unknown>[] {
  const kinds = [...SERVERS, ...LEASES, ...MONITORS];
  const others = [admin, adminHost, ...PAGE_OPTIONS, ...OUTCOME_OPTIONS, ...NOTICE_OPTIONS];
  return [...OWN_OPTIONS, ...kinds.flatMap((kind) => kind.options), ...others];
}

/** The daemon's settings that only the configuration file can give. */
export const ALL_TABLES: readonly Tables<unknown>[] = [plans, checks];
