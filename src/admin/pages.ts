/**
 * The pages of the admin listener.
 *
 *     /healthz    the process runs
 *     /readyz     the daemon answers visitors as the store says; if it does not, the reason
 *     /metrics    for Prometheus
 *     /state      everything, as JSON; `maxwells-daemon status` prints it
 *     /           the page for browsers, with its files and its news (`src/page`)
 *     /api/abort  an alert of Alertmanager aborts a release (`src/alerts`)
 *     /listeners  its addresses and applications, by which a new daemon recognizes the one that it replaces
 *     /probes     the outcomes of doctor's visitors, which doctor announces there
 */

import type { MonitorPage } from "../monitors/monitor.ts";
import type { Peer } from "../stream/peer.ts";

/**
 * Text or bytes in one piece, or in parts. A part is made only when the client has read the parts before it.
 * The bytes of a part hold until the next part is asked for.
 */
export type Body = string | Buffer | AsyncIterable<string | Uint8Array>;

export interface AdminPage {
  readonly status: number;
  readonly contentType: string;
  readonly body: Body;
  /** Whether the body goes on until the client leaves. Its parts must come every few seconds. */
  readonly isStream?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The parts of its request that a page may know. */
export interface Asked {
  /** The text behind the question mark; empty if there is none. */
  readonly query: string;
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Empty without one. */
  readonly body: string;
  /** The machine at the other end of the connection. */
  readonly peer: Peer;
  /** Aborts when the connection closes. */
  readonly closing: AbortSignal;
}

/** Makes a page. It may throw, or reject. */
export type PageMaker = (asked: Asked) => AdminPage | Promise<AdminPage>;

/** A page that is read with GET, and one that is asked with POST. */
export interface Route {
  readonly method: "GET" | "POST";
  /** The longest body, if it may be longer than that of a verb. */
  readonly bodyBytesMax?: number;
  readonly make: PageMaker;
}

const PLAIN = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

export interface PageSources {
  /** Why the daemon does not answer visitors as the store says; undefined if it does. */
  readonly notReady: () => string | undefined;
  /** The page `/metrics`, if any monitor has one. */
  readonly metrics: MonitorPage | undefined;
  /** `/state` as JSON, in parts. */
  readonly state: () => AsyncIterable<string | Uint8Array>;
  /** `/listeners` as JSON. */
  readonly listeners: () => string;
  /** `/probes` as JSON. */
  readonly probes: (query: string) => string;
  /** The pages for browsers, by their paths. */
  readonly forBrowsers?: ReadonlyMap<string, Route>;
}

/** The pages by their paths. */
export function pagesOf({
  notReady,
  metrics,
  state,
  listeners,
  probes,
  forBrowsers,
}: PageSources): ReadonlyMap<string, Route> {
  const pages: readonly (readonly [path: string, make: PageMaker])[] = [
    ["/healthz", () => text(200, "ok\n")],
    [
      "/readyz",
      () => {
        const reason = notReady();
        return reason === undefined ? text(200, "ready\n") : text(503, `not ready: ${reason}\n`);
      },
    ],
    [
      "/metrics",
      () =>
        metrics === undefined
          ? text(404, "no monitor has a page\n")
          : { status: 200, contentType: metrics.contentType, body: metrics.chunks() },
    ],
    ["/state", () => ({ status: 200, contentType: JSON_TYPE, body: state() })],
    ["/listeners", () => ({ status: 200, contentType: JSON_TYPE, body: listeners() })],
    ["/probes", ({ query }) => ({ status: 200, contentType: JSON_TYPE, body: probes(query) })],
  ];
  return new Map<string, Route>([
    ...pages.map(([path, make]) => [path, { method: "GET", make }] as const),
    ...(forBrowsers ?? []),
  ]);
}

export function text(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): AdminPage {
  return { status, contentType: PLAIN, body, headers };
}
