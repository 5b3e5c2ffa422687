/** The name by which other daemons and people know this one. */

import { hostname } from "node:os";
import type { Settings } from "../config/option.ts";
import { NAME_LENGTH_MAX, name } from "../settings/options.ts";

/** The value of `-name`, or else the host's name in the same form. */
export function ownName(settings: Settings): string {
  return settings.get(name) ?? nameOfHost();
}

function nameOfHost(): string {
  return (
    hostname()
      .slice(0, NAME_LENGTH_MAX)
      .replace(/[^\w.-]/g, "-") || "daemon"
  );
}
