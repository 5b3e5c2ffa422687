/** Warnings at the start about settings that work, but may be a mistake. */

import type { Settings } from "../config/option.ts";
import type { Log } from "../log/log.ts";
import { store } from "../settings/options.ts";
import { redactAddress } from "../text/redact.ts";

/** Warns of a secret in a flag, because every user of the machine can read the flags of a process. */
export function warnOfVisibleSecret(settings: Settings, log: Log): void {
  const address = settings.get(store);
  const shown = redactAddress(address);
  if (settings.origin(store).source !== "flag" || shown === address) return;
  log.warn(
    "the flag -store may contain a secret, and every user of this machine can read it, for example with ps",
    {
      store: shown,
      remedy: "move the address to MAXWELLS_DAEMON_STORE, or to the file of -config",
    },
  );
}

/**
 * Warns if certificates are not checked. That is meant for a trial and easily forgotten, and any machine
 * between the daemon and the store can then forge the rollouts.
 */
export function warnOfUncheckedTls(
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
): void {
  if (environment["NODE_TLS_REJECT_UNAUTHORIZED"] !== "0") return;
  log.warn("certificates are not checked, because NODE_TLS_REJECT_UNAUTHORIZED is 0 in the environment", {
    danger: "any machine between this daemon and its store can forge the rollouts",
    remedy: "unset it; to trust your own certificate, set NODE_EXTRA_CA_CERTS to its file",
  });
}
