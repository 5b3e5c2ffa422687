/** Warnings at the start about settings that work, but may be a mistake. */

import type { Option, Settings } from "../config/option.ts";
import type { Log } from "../log/log.ts";
import { notify } from "../notices/options.ts";
import { releases, store } from "../settings/options.ts";
import { redactAddress } from "../text/redact.ts";
import { flagRemarks } from "./release-remarks.ts";

/** All warnings about settings, before anything starts. */
export function warnOfSettings(
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
): void {
  warnOfVisibleSecret(settings, log);
  warnOfReleaseSettings(settings, log);
  warnOfUncheckedTls(environment, log);
}

/** Warns of a secret in a flag, because every user of the machine can read the flags of a process. */
export function warnOfVisibleSecret(settings: Settings, log: Log): void {
  const address = settings.get(store);
  const shown = redactAddress(address);
  const isFlag = (option: Option<unknown>) => settings.origin(option).source === "flag";
  if (isFlag(store) && shown !== address) {
    log.warn(`the flag -store may contain a secret, and ${READABLE}`, {
      store: shown,
      remedy: "move the address to MAXWELLS_DAEMON_STORE, or to the file of -config",
    });
  }
  // A receiver that checks signatures needs no secret address.
  const secret = settings.get(notify).filter(({ form }) => !form.isSigned);
  if (isFlag(notify) && secret.length > 0) {
    log.warn(`the address of a flag -notify is a secret, and ${READABLE}`, {
      address: secret.map(({ name }) => name).join(", "),
      remedy: "move the address to MAXWELLS_DAEMON_NOTIFY, or to the file of -config",
    });
  }
}

/** Warns of settings about releases that are of no use. The controller warns of a read-only store. */
function warnOfReleaseSettings(settings: Settings, log: Log): void {
  for (const { setting, text } of flagRemarks(settings)) {
    if (setting !== `-${releases.name}`) log.warn(text, { setting });
  }
}

const READABLE = "every user of this machine can read it, for example with ps";

/**
 * Warns if certificates are not checked. That is meant for a trial and easily forgotten, and any machine
 * between the daemon and the store can then forge the rollouts.
 */
function warnOfUncheckedTls(environment: Readonly<Record<string, string | undefined>>, log: Log): void {
  if (environment["NODE_TLS_REJECT_UNAUTHORIZED"] !== "0") return;
  log.warn("certificates are not checked, because NODE_TLS_REJECT_UNAUTHORIZED is 0 in the environment", {
    danger: "any machine between this daemon and its store can forge the rollouts",
    remedy: "unset it; to trust your own certificate, set NODE_EXTRA_CA_CERTS to its file",
  });
}
