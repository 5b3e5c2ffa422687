/** Warnings at the start: settings that work, and that an operator may not have meant. */

import type { Settings } from "../config/option.ts";
import { redactAddress } from "../config/redact.ts";
import type { Log } from "../log/log.ts";
import { store } from "../settings/options.ts";

/** Flags are in the process's title, which every user of the machine can read. */
export function warnOfVisibleSecret(settings: Settings, log: Log): void {
  const address = settings.get(store);
  const shown = redactAddress(address);
  if (settings.origin(store).source !== "flag" || shown === address) return;
  log.warn("the flag -store may hold a secret, which every user of this machine can read, as with ps", {
    store: shown,
    remedy: "give the address by MAXWELLS_DAEMON_STORE or in the file of -config",
  });
}

/** For a trial, and easily forgotten: from then on anybody on the way to the store can write the rollouts. */
export function warnOfUncheckedTls(
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
): void {
  if (environment["NODE_TLS_REJECT_UNAUTHORIZED"] !== "0") return;
  log.warn("certificates are not checked, because NODE_TLS_REJECT_UNAUTHORIZED is 0 in the environment", {
    danger: "anybody between this daemon and its store can write the rollouts",
    remedy: "unset it; to trust a certificate of your own, set NODE_EXTRA_CA_CERTS to its file",
  });
}
