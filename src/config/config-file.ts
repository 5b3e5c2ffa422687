/**
 * The setting that names the configuration file. `load.ts` reads it first, so it imports nothing of the
 * daemon.
 */

import { Problem } from "./option.ts";
import { orNone, single } from "./values.ts";

/**
 * The daemon and every command read this file if it exists and no other file is named. Its directory belongs
 * to root.
 */
export const DEFAULT_CONFIG_FILE = "/etc/maxwells-daemon/maxwells-daemon.toml";

/** `load.ts` itself reads this option, before all others. */
export const configFile = single<string | null>(
  {
    name: "config",
    placeholder: "FILE",
    summary: `a TOML file with settings named like the flags, or none; by default ${DEFAULT_CONFIG_FILE}, if it exists`,
    absent: null,
  },
  orNone((text) => (text === "" ? new Problem("write the path of a TOML file, or none") : text)),
);
