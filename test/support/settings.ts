/** A daemon's settings from flags, as the program itself reads them. */

import { loadSettings, Problems } from "../../src/config/load.ts";
import type { Settings } from "../../src/config/option.ts";
import { ALL_TABLES, allOptions } from "../../src/daemon/all-options.ts";

/**
 * It ignores environment and files. Throws all problems at once. Without an address for outcomes, because the
 * tests run several daemons at a time.
 */
export function settingsOf(...argv: readonly string[]): Settings {
  const readFile = (path: string): string => {
    throw new Error(`nobody reads ${path}`);
  };
  const loaded = loadSettings(
    { argv: ["-outcomes", "none", ...argv], environment: {}, readFile },
    { options: allOptions(), tables: ALL_TABLES },
  );
  if (loaded instanceof Problems) throw new Error(loaded.messages.join("\n"));
  return loaded.settings;
}
