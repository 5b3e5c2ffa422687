/** What the daemon's settings have to keep together. */

import { traefikListen, traefikVersions } from "../leases/traefik.ts";
import { SERVERS } from "../servers/list.ts";
import type { CrossCheck } from "./option.ts";
import { APPLICATIONS_MAX, application, delay, unhealthy, unhealthyMs } from "./options.ts";
import { addressText } from "./values.ts";

/** What stands in a list more than once, each once. */
function repeated(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return [...new Set(names.filter((name) => seen.size === seen.add(name).size))];
}

const SERVER_OPTIONS = SERVERS.flatMap((kind) => kind.options);

export const CROSS_CHECKS: readonly CrossCheck[] = [
  {
    options: [application, traefikListen, traefikVersions],
    check(settings) {
      const versions = settings.get(traefikVersions);
      const twice = repeated(versions.map((each) => `${each.application}/${each.version}`));
      if (twice.length > 0) return `${twice.join(", ")} has two URLs; give it one -traefik-version`;
      const stranger = versions.find((each) => !settings.get(application).includes(each.application));
      if (stranger !== undefined) {
        return `-traefik-version names ${stranger.application}, which is not served here; name it as -application too`;
      }
      return versions.length > 0 && settings.get(traefikListen) === null
        ? "-traefik-version is of no use without a -traefik HOST:PORT; give both"
        : undefined;
    },
  },
  {
    options: [application],
    check(settings) {
      const names = settings.get(application);
      if (names.length > APPLICATIONS_MAX) {
        return `${names.length} applications are named, and a daemon serves at most ${APPLICATIONS_MAX}; start another daemon for the others`;
      }
      const twice = repeated(names);
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
