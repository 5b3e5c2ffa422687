/** What the daemon's settings have to keep together. */

import { SERVERS } from "../servers/list.ts";
import type { CrossCheck } from "./option.ts";
import { application, delay, unhealthy, unhealthyMs } from "./options.ts";
import { addressText } from "./values.ts";

/** What stands in a list more than once, each once. */
function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

const SERVER_OPTIONS = SERVERS.flatMap((kind) => kind.options);

export const CROSS_CHECKS: readonly CrossCheck[] = [
  {
    options: [application],
    check(settings) {
      const twice = repeated(settings.get(application));
      return twice.length === 0 ? undefined : `${twice.join(", ")} is named twice; name it once`;
    },
  },
  {
    options: [delay, unhealthy],
    check(settings) {
      return unhealthyMs(settings) > settings.get(delay)
        ? undefined
        : "-unhealthy must be longer than -delay, or rollouts fall to 0 between two reads; make it twice as long";
    },
  },
  {
    options: SERVER_OPTIONS,
    check(settings) {
      const addresses = SERVERS.flatMap((kind) => kind.addresses(settings));
      if (addresses.length === 0)
        return "nobody could ask this daemon; give it a -socket, a -listen or an -http";
      // A second listener on a path would take the place of the first one; port 0 is another one each time.
      const fixed = addresses.filter((address) => address.kind !== "tcp" || address.port !== 0);
      const twice = repeated(fixed.map(addressText));
      return twice.length === 0 ? undefined : `${twice.join(", ")} is listened on twice; name it once`;
    },
  },
];
