/**
 * SIGHUP: the configuration is read again, and the log says what of it has changed.
 *
 * Nothing of it is applied. A daemon that follows half of its file is harder to understand than one that
 * follows the file that it was started with, and a restart costs no visitor anything (docs/upgrading.md). The
 * log says what changed in the file and does not count yet.
 */

import { configFile } from "../../../config/config-file.ts";
import { type Loaded, type LoadedSettings, Problems } from "../../../config/load.ts";
import type { Option } from "../../../config/option.ts";
import { ALL_TABLES, allOptions } from "../../../daemon/all-options.ts";
import type { Log } from "../../../log/log.ts";

const UNCHANGED = "the daemon goes on with the settings that it was started with";

/** Tells the log how the configuration differs from the one that runs. Never throws. */
export function tellChanges(running: LoadedSettings, reread: () => Loaded | Problems, log: Log): void {
  let loaded: Loaded | Problems;
  try {
    loaded = reread();
  } catch (error) {
    loaded = new Problems([String(error)]);
  }
  if (loaded instanceof Problems) {
    for (const problem of loaded.messages) {
      log.error(`the configuration is wrong now; ${UNCHANGED}`, { problem });
    }
    return;
  }
  const config = loaded.settings.get(configFile) ?? "none";
  const changed = changedOptions(running, loaded.settings);
  if (changed.length === 0) {
    log.info("the configuration is as it was", { config });
    return;
  }
  log.warn(`the configuration has changed; ${UNCHANGED}, until it is restarted`, {
    changed: changed.map(({ name }) => name).join(", "),
    config,
    remedy: "restart it: systemctl restart maxwells-daemon, or a second daemon that takes over",
  });
}

function changedOptions(before: LoadedSettings, after: LoadedSettings): Option<unknown>[] {
  const text = (settings: LoadedSettings, option: Option<unknown>) => settings.texts(option).join("\0");
  return [...allOptions(), ...ALL_TABLES].filter((option) => text(before, option) !== text(after, option));
}
