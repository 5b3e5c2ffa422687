/** Checks that compare settings with each other. */

import { type Address, addressText } from "../address.ts";
import type { CrossCheck, Settings } from "../config/option.ts";
import type { LeaseTarget } from "../leases/lease.ts";
import { LEASES } from "../leases/list.ts";
import { NOTICE_CHECKS } from "../notices/options.ts";
import { SERVERS } from "../servers/list.ts";
import { APPLICATIONS_MAX, application } from "../settings/application.ts";
import { delay, unhealthy, unhealthyMs } from "../settings/options.ts";
import { repeated } from "../text/repeated.ts";

/** The options of servers, which proxies ask, and of leases, for proxies that decide by themselves. */
const PROXY_OPTIONS = [...SERVERS, ...LEASES].flatMap((kind) => kind.options);

export const CROSS_CHECKS: readonly CrossCheck[] = [
  ...LEASES.flatMap((kind) => kind.crossChecks ?? []),
  ...NOTICE_CHECKS,
  {
    options: [application],
    check(settings) {
      const names = settings.get(application);
      if (names.length > APPLICATIONS_MAX) {
        return `${names.length} applications are named, but a daemon serves at most ${APPLICATIONS_MAX}; start another daemon for the others`;
      }
      const twice = repeated(names);
      return twice.length === 0 ? undefined : `${twice.join(", ")} is named twice; name it once`;
    },
  },
  {
    options: [delay, unhealthy],
    check(settings) {
      const delayMs = settings.get(delay);
      return unhealthyMs(settings) > delayMs
        ? undefined
        : `-unhealthy must be longer than -delay ${settingText(delayMs)}, or rollouts fall to 0 between two reads; make it ${settingText(2 * delayMs)}`;
    },
  },
  {
    options: PROXY_OPTIONS,
    check(settings) {
      return listenersOf(settings).length + targetsOf(settings).length > 0
        ? undefined
        : "no proxy could ask this daemon, and it renews no lease; give it -socket, -listen, -http, -spop, -haproxy-map, -apache-map or -traefik";
    },
  },
  {
    options: PROXY_OPTIONS,
    check(settings) {
      const twice = repeated(listenersOf(settings).filter(isOfOnePlace).map(addressText));
      return twice.length === 0
        ? undefined
        : `the daemon would listen twice at ${twice.join(", ")}; name it once`;
    },
  },
  {
    options: LEASES.flatMap((kind) => kind.options),
    check(settings) {
      const twice = repeated(targetsOf(settings).map(({ flag, text }) => `${flag} ${text}`));
      return twice.length === 0 ? undefined : `${twice.join(", ")} is given twice; give it once`;
    },
  },
  {
    options: PROXY_OPTIONS,
    check(settings) {
      const listeners = new Set(listenersOf(settings).map(addressText));
      const own = targetsOf(settings).flatMap(({ flag, socket }) =>
        socket !== undefined && listeners.has(addressText(socket))
          ? [`${addressText(socket)} is the proxy's own socket by ${flag}, so the daemon cannot listen there`]
          : [],
      );
      return own.length === 0 ? undefined : `${own.join("; ")}; give the daemon another path`;
    },
  },
];

/** A duration in the form in which a setting takes it: `4s`, `1500ms`. */
function settingText(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

type Read = Pick<Settings, "get">;

/**
 * The addresses at which the daemon listens: for proxies that ask, and for proxies that fetch their lease.
 */
function listenersOf(settings: Read): readonly Address[] {
  return [...SERVERS, ...LEASES].flatMap((kind) => kind.addresses(settings));
}

/** The places that the daemon writes leases to, each with its flag. */
function targetsOf(settings: Read): readonly (LeaseTarget & { readonly flag: string })[] {
  return LEASES.flatMap((kind) =>
    kind.targets(settings).map((target) => ({ flag: `-${kind.name}`, ...target })),
  );
}

/** Whether a second listener at this address would replace the first one. Port 0 is a new port each time. */
function isOfOnePlace(address: Address): boolean {
  return address.kind !== "tcp" || address.port !== 0;
}
