/**
 * The setting that names the file of the others. `load.ts` reads it first, so it imports nothing of the
 * daemon.
 */

import { Problem } from "./option.ts";
import { orNone, single } from "./values.ts";

/**
 * Read by every command and the daemon if it is there and no other file is named. Its directory is root's.
 */
export const DEFAULT_CONFIG_FILE = "/etc/maxwells-daemon/maxwells-daemon.toml";

/** Read before all others, by `load.ts` itself. */
export const configFile = single<string | null>(
  {
    name: "config",
    placeholder: "FILE",
    summary: `a TOML file with the same names as the flags, or none; ${DEFAULT_CONFIG_FILE} if that is there`,
    absent: null,
  },
  orNone((text) => (text === "" ? new Problem("write the path of a TOML file, or none") : text)),
);
