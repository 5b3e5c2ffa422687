/** The admin listeners of one or more daemons, for the commands that ask several. */

import type { HostPort } from "../address.ts";
import type { LoadedSettings } from "../config/load.ts";
import { orNone, parseHostPort, repeatable } from "../config/values.ts";
import { CliError } from "./exit.ts";

export const admins = repeatable<HostPort | null>(
  {
    name: "admin",
    placeholder: "HOST:PORT",
    summary: "the admin listener of a daemon to ask",
    defaultText: "127.0.0.1:6293",
  },
  orNone(parseHostPort),
);

/** The addresses to ask, at least one. */
export function adminAddresses(settings: LoadedSettings): readonly HostPort[] {
  const addresses = settings.get(admins).filter((address) => address !== null);
  if (addresses.length > 0) return addresses;
  throw new CliError(
    "usage",
    `no admin listener can be asked: ${settings.origin(admins).text} is none`,
    "run the daemon with -admin 127.0.0.1:6293, and name that here",
  );
}
