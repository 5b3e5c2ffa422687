/**
 * The document that Traefik's HTTP provider polls. It has a service for each application, with the
 * application's name. Traefik's routers send visitors to that service (docs/protocol/traefik.md).
 *
 *     website                 weighted, sticky: the slices, all of one weight
 *     └ website:circle:042    one slice: master, or
 *       └ website:canary:or-master   a version and master behind it, once for all its slices
 *         ├ website:canary    Traefik's own entry point for the version, up while the daemon vouches for this document
 *         └ website-master@file
 *
 * If the daemon is gone, Traefik keeps the last document for ever, and when the daemon is back, Traefik may
 * take 90 seconds to ask for the next one. So a version is up only while the daemon answers its health check.
 * The check asks whether the slices in this document are still the version's.
 */

import { MAINTENANCE, MASTER } from "../../circle.ts";
import { runsOf, SLICES } from "./slices.ts";

/**
 * The path at which Traefik asks whether a document is still true. A Traefik with the document of an earlier
 * release asks there too, so the path never changes.
 */
export const HOLDS_PATH = "/holds";

/** After the daemon is gone, a version goes on for the sum of these two at most. */
const CHECK_EVERY = "1s";
const CHECK_TIMEOUT = "500ms";

/** A year, like the cookie of all other proxies. */
const COOKIE_SECONDS = 31_536_000;

/** One application, for its part of the document. */
export interface TraefikApplication {
  readonly name: string;
  /** The location of each slice (`locationsOf`). */
  readonly locations: readonly string[];
  /** The versions that Traefik can reach, and the URL of each. The slices of all others are master's. */
  readonly urls: ReadonlyMap<string, string>;
  /** If true, all visitors go to the URL of `maintenance`, if there is one. */
  readonly isInMaintenance: boolean;
}

export interface DocumentOptions {
  /** The port at which the daemon answers health checks, on the host of the versions' URLs. */
  readonly port: number;
  /** Whether cookies are for TLS alone. */
  readonly isSecure: boolean;
}

type Service =
  | { readonly loadBalancer: LoadBalancer }
  | { readonly failover: { readonly service: string; readonly fallback: string } }
  | { readonly weighted: Weighted };

interface LoadBalancer {
  readonly servers: readonly { readonly url: string }[];
  readonly healthCheck?: {
    readonly scheme: "http";
    readonly port: number;
    readonly path: string;
    readonly interval: string;
    readonly timeout: string;
  };
}

interface Weighted {
  readonly services: readonly { readonly name: string; readonly weight: number }[];
  readonly sticky?: {
    readonly cookie: {
      readonly name: string;
      readonly maxAge: number;
      readonly httpOnly: boolean;
      readonly sameSite: "lax";
      readonly secure: boolean;
    };
  };
}

/** The dynamic configuration as JSON. The same arguments give the same bytes. */
export function traefikDocument(
  applications: readonly TraefikApplication[],
  options: DocumentOptions,
): string {
  const services = Object.fromEntries(
    applications.flatMap((application) => Object.entries(servicesOf(application, options))),
  );
  return `${JSON.stringify({ http: { services } })}\n`;
}

/**
 * An application's part in names. It is encoded, because Traefik reads the text behind an `@` as a provider,
 * and `:` separates parts here.
 */
function traefikName(application: string): string {
  return encodeURIComponent(application);
}

function servicesOf(application: TraefikApplication, options: DocumentOptions): Record<string, Service> {
  const name = traefikName(application.name);
  const master = `${name}-${MASTER}@file`;
  const services: Record<string, Service> = { [name]: { weighted: circle(name, options) } };
  const maintenance = application.isInMaintenance ? application.urls.get(MAINTENANCE) : undefined;
  if (maintenance !== undefined) {
    services[`${name}:${MAINTENANCE}`] = { loadBalancer: { servers: [{ url: maintenance }] } };
  } else {
    for (const [version, url] of application.urls) {
      const runs = runsOf(application.locations, version);
      if (runs === "") continue;
      services[`${name}:${version}`] = { loadBalancer: guarded(application, version, url, runs, options) };
      // All slices share one failover, because Traefik updates failovers one after the other, and a failover
      // that is not updated yet answers 503.
      services[failoverName(name, version)] = {
        failover: { service: `${name}:${version}`, fallback: master },
      };
    }
  }
  for (let slice = 0; slice < SLICES; slice++) {
    services[sliceName(name, slice)] = sliceService(name, application.locations[slice] ?? MASTER, services);
  }
  return services;
}

/**
 * The service of one slice. In maintenance it is the maintenance service, without a failover: Traefik's
 * failover needs a health check, and maintenance has none, because it outlasts the daemon.
 */
function sliceService(name: string, version: string, services: Readonly<Record<string, Service>>): Service {
  const places = [`${name}:${MAINTENANCE}`, failoverName(name, version)];
  return soleService(places.find((place) => services[place] !== undefined) ?? `${name}-${MASTER}@file`);
}

/** The name of the service that sends visitors to a version, or to master if the version is down. */
function failoverName(name: string, version: string): string {
  return `${name}:${version}:or-${MASTER}`;
}

function soleService(name: string): Service {
  return { weighted: { services: [{ name, weight: 1 }] } };
}

function circle(name: string, { isSecure }: DocumentOptions): Weighted {
  return {
    services: Array.from({ length: SLICES }, (_, slice) => ({ name: sliceName(name, slice), weight: 1 })),
    sticky: {
      cookie: {
        name: `maxwellsdaemon-slice-${name}`,
        maxAge: COOKIE_SECONDS,
        httpOnly: true,
        sameSite: "lax",
        secure: isSecure,
      },
    },
  };
}

/** Cookies contain a hash of this name. If the name changes, Traefik draws a new slice for every visitor. */
function sliceName(name: string, slice: number): string {
  return `${name}:circle:${String(slice).padStart(3, "0")}`;
}

function guarded(
  application: TraefikApplication,
  version: string,
  url: string,
  runs: string,
  { port }: DocumentOptions,
): LoadBalancer {
  const question = new URLSearchParams({ application: application.name, version, slices: runs });
  return {
    servers: [{ url }],
    healthCheck: {
      scheme: "http",
      port,
      path: `${HOLDS_PATH}?${question}`,
      interval: CHECK_EVERY,
      timeout: CHECK_TIMEOUT,
    },
  };
}
