/**
 * Traefik's HTTP provider: the daemon serves the dynamic configuration that divides an application's
 * visitors, and answers Traefik's health checks about it (docs/protocol/traefik.md,
 * integrations/traefik/slices).
 *
 *     GET /                                                          → the document, for `providers.http`
 *     GET /holds?application=website&version=canary&slices=0-249     → 200 while these slices are the canary's, or were
 *                                                                      in a document of the last seconds, else 503
 *
 * Traefik decides by itself. No visitor's request passes through the daemon.
 */

import type { Address } from "../address.ts";
import { isVersion, MAINTENANCE } from "../circle.ts";
import { type CrossCheck, Problem } from "../config/option.ts";
import { orNone, parseHostPort, parseSwitch, repeatable, single } from "../config/values.ts";
import type { Page } from "../servers/http/reply.ts";
import { HttpServer } from "../servers/http.ts";
import type { Server } from "../servers/server.ts";
import { application } from "../settings/application.ts";
import { repeated } from "../text/repeated.ts";
import type { LeaseContext, LeaseKind } from "./lease.ts";
import { HOLDS_PATH, type TraefikApplication, traefikDocument } from "./traefik/document.ts";
import { RecentDocuments } from "./traefik/recent-documents.ts";
import { areAllAt, locationsOf, runsOf } from "./traefik/slices.ts";

/**
 * Traefik closes its idle connections itself, so this only has to be long enough.
 */
const IDLE_MS = 60_000;

/** The time between two looks for maintenance that Traefik cannot show. */
const LOOK_MS = 500;

/** A version that Traefik can reach. */
export interface TraefikVersion {
  readonly application: string;
  readonly version: string;
  /** Scheme, host and port. The daemon answers health checks at the same host. */
  readonly url: string;
}

export const traefikListen = single<Address | null>(
  {
    name: "traefik",
    placeholder: "HOST:PORT",
    summary: "a listener for Traefik's HTTP provider, or none",
    defaultText: "none",
  },
  orNone((text) => {
    const hostPort = parseHostPort(text);
    return hostPort instanceof Problem
      ? new Problem("write HOST:PORT or none, such as 127.0.0.1:6296")
      : { kind: "tcp", ...hostPort };
  }),
);

export const traefikVersions = repeatable<TraefikVersion>(
  {
    name: "traefik-version",
    placeholder: "APPLICATION/VERSION=URL",
    summary:
      "a version that Traefik can serve; the URL is an entry point of Traefik itself, for this version alone",
    absent: [],
  },
  parseTraefikVersion,
);

const traefikSecure = single(
  {
    name: "traefik-secure",
    summary: "give Traefik's cookies the attribute Secure, because visitors come over TLS",
    defaultText: "false",
  },
  parseSwitch,
);

function parseTraefikVersion(text: string): TraefikVersion | Problem {
  const problem = new Problem(
    "write APPLICATION/VERSION=URL, such as website/canary=http://127.0.0.1:6297, with nothing behind the port",
  );
  const [, application = "", version, url = ""] = /^([^/]+)\/([^/=]+)=(.+)$/.exec(text) ?? [];
  const isUrl = /^(http|h2c):\/\/(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/.test(url);
  return isVersion(version) && isUrl ? { application, version, url } : problem;
}

/**
 * A `-traefik-version` without `-traefik`, or for an application that is not served, would be silently
 * useless.
 */
const versionsCheck: CrossCheck = {
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
};

export const traefik: LeaseKind = {
  name: "traefik",
  proxy: { name: "traefik", title: "Traefik", processes: ["traefik"], versionFlags: ["version"] },
  options: [traefikListen, traefikVersions, traefikSecure],
  crossChecks: [versionsCheck],
  unseen: "Traefik divides visitors by itself and reports nothing",
  remedy:
    "start Traefik with the daemon's address as the endpoint of providers.http; if Traefik cannot ask, its log says why",
  targets: () => [],
  addresses(settings) {
    const address = settings.get(traefikListen);
    return address === null ? [] : [address];
  },
  create(settings, context) {
    return this.addresses(settings).map(
      (address) =>
        new Traefik(context, {
          address,
          versions: settings.get(traefikVersions),
          isSecure: settings.get(traefikSecure),
        }),
    );
  },
};

export interface TraefikOptions {
  readonly address: Address;
  readonly versions: readonly TraefikVersion[];
  readonly isSecure: boolean;
}

export class Traefik implements Server {
  readonly #context: LeaseContext;
  readonly #options: TraefikOptions;
  readonly #http: HttpServer;
  readonly #urls = new Map<string, Map<string, string>>();
  readonly #documents = new RecentDocuments();
  /** Applications in maintenance that Traefik cannot show. The log has one warning for each. */
  readonly #nowhere = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isPolled = false;
  /**
   * The last document. It is kept, because it takes a millisecond to write, and no visitor is placed
   * meanwhile.
   */
  #last: { readonly key: string; readonly body: string } | undefined;

  constructor(context: LeaseContext, options: TraefikOptions) {
    this.#context = context;
    this.#options = options;
    for (const { application: name, version, url } of options.versions) {
      this.#urls.set(name, (this.#urls.get(name) ?? new Map()).set(version, url));
    }
    this.#http = new HttpServer(context, {
      protocol: traefik.name,
      leasesTo: traefik.proxy.name,
      address: options.address,
      socketMode: 0,
      idleTimeoutMs: IDLE_MS,
      pages: (path, query, nowMs) => this.#page(path, query, nowMs),
    });
  }

  get name(): string {
    return this.#http.name;
  }

  /** The port, once it listens. If port 0 was asked for, this is the port that the kernel chose. */
  get port(): number | undefined {
    return this.#http.port;
  }

  get trouble(): string | undefined {
    return this.#http.trouble;
  }

  prepare(predecessorHas: (name: string) => Promise<boolean>): Promise<void> {
    return this.#http.prepare(predecessorHas);
  }

  async start(): Promise<void> {
    await this.#http.start();
    this.#warnOfMaintenance();
    this.#timer = setInterval(() => this.#warnOfMaintenance(), LOOK_MS);
    this.#timer.unref();
  }

  close(isReplaced?: boolean): Promise<void> {
    clearInterval(this.#timer);
    return this.#http.close(isReplaced);
  }

  /**
   * Warns once for each application if its maintenance begins and Traefik cannot show it. Runs every
   * `LOOK_MS`, because a Traefik that does not poll must not hide the warning.
   */
  #warnOfMaintenance(): void {
    const { maintenance, rollout, log } = this.#context;
    for (const application of rollout.applications) {
      if (!maintenance.isOn(application)) this.#nowhere.delete(application);
      else if (!this.#urls.get(application)?.has(MAINTENANCE) && !this.#nowhere.has(application)) {
        this.#nowhere.add(application);
        log.warn(
          "maintenance is on, but Traefik has no service for it, so its visitors are placed as before",
          {
            application,
            remedy: `give the daemon a -traefik-version ${application}/${MAINTENANCE}=URL`,
          },
        );
      }
    }
  }

  #page(path: string, query: URLSearchParams, nowMs: number): Page | undefined {
    if (path === "/") return this.#document(nowMs);
    return path === HOLDS_PATH ? this.#vouchingPage(query, nowMs) : undefined;
  }

  #document(nowMs: number): Page {
    const { rollout, maintenance, log } = this.#context;
    this.#warnOfMaintenance();
    if (!this.#isPolled) log.info("Traefik has asked for its configuration", { server: this.name });
    this.#isPolled = true;
    const applications = rollout.applications.map((name) => ({
      name,
      locations: this.#locations(name, nowMs),
      urls: this.#urls.get(name) ?? new Map<string, string>(),
      isInMaintenance: maintenance.isOn(name),
    }));
    for (const { name, locations } of applications) this.#documents.add(name, locations, nowMs);
    const key = keyOf(applications);
    if (key !== this.#last?.key) {
      const options = { port: this.port ?? 0, isSecure: this.#options.isSecure };
      this.#last = { key, body: traefikDocument(applications, options) };
    }
    return { status: 200, contentType: "application/json", body: this.#last.body };
  }

  #vouchingPage(query: URLSearchParams, nowMs: number): Page {
    const application = query.get("application") ?? "";
    const [slices, version] = [query.get("slices") ?? "", query.get("version") ?? ""];
    const isVouchedFor = this.#vouchedFor(application, nowMs).some((locations) =>
      areAllAt(slices, locations, version),
    );
    return isVouchedFor
      ? { status: 200, contentType: "text/plain", body: "the slices are at this version\n" }
      : {
          status: 503,
          contentType: "text/plain",
          body: "the slices are not at this version, or not any more\n",
        };
  }

  /**
   * The locations for which the daemon vouches: those of now, and those in the documents of the last seconds.
   * If the store is lost, only those of now (law 3).
   */
  #vouchedFor(application: string, nowMs: number): readonly (readonly string[])[] {
    const now = this.#locations(application, nowMs);
    const isFresh = this.#context.rollout.table(application)?.isFresh(nowMs) ?? false;
    return isFresh ? [now, ...this.#documents.recent(application, nowMs)] : [now];
  }

  /** The location of each slice; empty for an application that is not served here. */
  #locations(application: string, nowMs: number): readonly string[] {
    const table = this.#context.rollout.table(application);
    return table === undefined ? [] : locationsOf(table, nowMs);
  }
}

/** A short text of all parts of the applications that can change. */
function keyOf(applications: readonly TraefikApplication[]): string {
  return applications
    .map(({ locations, urls, isInMaintenance }) =>
      [isInMaintenance, ...[...urls.keys()].map((version) => runsOf(locations, version))].join(" "),
    )
    .join("\n");
}
