/**
 * The application as visitors reach it. Doctor sends probes to the operator's address and reads the replies.
 */

import type { Announcer } from "./announcer.ts";
import { servedVersion, type VersionSource, type VersionText, versionSourceOf } from "./reply-version.ts";
import { type HttpReply, type HttpRequest, SiteConnection, type Target } from "./site-connection.ts";

/** The cookie of all integrations. */
export const COOKIE = "maxwellsdaemon";

/** How the cookies of Traefik's slices begin (docs/protocol/traefik.md). */
const SLICE_COOKIE = "maxwellsdaemon-slice-";

/** A probe fails if its whole reply takes longer. */
export const PROBE_TIMEOUT_MS = 5_000;

/** Probes that are under way at one time. Doctor must not load the site. */
const PROBES_AT_ONCE_MAX = 4;

/** Visitors that are announced together, before the first of them comes. */
const ANNOUNCED_MAX = 1_000;

/** Doctor sends this many new visitors before it believes that all of them see an error. */
const FIRST_TRIES_MAX = 8;

export interface Probe {
  /** The visitor's assignment, for the cookie; absent for a new visitor. */
  readonly assignment?: string;
  /** A whole Cookie header, which replaces the assignment's. Each character is a byte. */
  readonly cookie?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Added to the query, so that no cache has the page. */
  readonly query?: string;
  readonly timeoutMs?: number;
}

/** The reply to a probe. */
export interface Visit {
  /** 0 if there was no reply. */
  readonly status: number;
  /** Why there was no reply. */
  readonly error: string | undefined;
  /** The version that served; undefined if the reply does not name it. */
  readonly version: string | undefined;
  /** The whole values of the `Set-Cookie` headers of the assignment's cookie. */
  readonly cookies: readonly string[];
  readonly headers: HttpReply["headers"];
  readonly tookMs: number;
}

export interface SiteOptions {
  readonly url: URL;
  readonly userAgent: string;
  readonly isInsecure: boolean;
  /** Headers for every probe, such as `Host` or `Authorization`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly versionHeader: string;
  readonly versionTexts: readonly VersionText[];
}

export class Site {
  readonly url: URL;
  /** The first visit that was served; if none was, the first visit. */
  first: Visit | undefined;
  telling: VersionSource = { by: "nothing" };
  /** Announces visitors; undefined if no release is under way. */
  announcer: Announcer | undefined;
  readonly #options: SiteOptions;
  readonly #target: Target;

  constructor(options: SiteOptions) {
    this.url = options.url;
    this.#options = options;
    const { hostname, port, protocol } = options.url;
    const isTls = protocol === "https:";
    const host = hostname.replace(/^\[|\]$/g, "");
    const named = options.headers.find(([name]) => name.toLowerCase() === "host")?.[1];
    this.#target = {
      host,
      port: Number(port) || (isTls ? 443 : 80),
      isTls,
      serverName: named?.replace(/:\d+$/, "") ?? host,
      isInsecure: options.isInsecure,
    };
  }

  /** The address without user, password and query, which may be secret. */
  get shownUrl(): string {
    const { protocol, host, pathname } = this.url;
    return `${protocol}//${host}${pathname}`;
  }

  /** The name or address that browsers have for the site, in lower case. */
  get host(): string {
    return this.#target.serverName.toLowerCase();
  }

  get isTls(): boolean {
    return this.#target.isTls;
  }

  /** Whether replies say which version served them. */
  get tells(): boolean {
    return this.telling.by !== "nothing";
  }

  /** Sends new visitors until one is served. That visit shows how replies name their version. */
  async begin(): Promise<Visit> {
    const visits: Visit[] = [];
    for (let tries = 0; tries < FIRST_TRIES_MAX; tries++) {
      const visit = await this.visit({});
      visits.push(visit);
      // One version may fail while another one works. If there is no reply at all, more tries are useless.
      if (visit.status === 0 || isSuccess(visit)) break;
    }
    this.first = visits.find(isSuccess) ?? (visits[0] as Visit);
    return this.first;
  }

  /** Whether Traefik keeps visitors in slices, by a cookie of its own. Then no visitor has an assignment. */
  get isSliced(): boolean {
    const cookies = this.first?.headers.filter(([name]) => name === "set-cookie") ?? [];
    return cookies.some(([, value]) => value.startsWith(SLICE_COOKIE));
  }

  /** Whether a visit went at least as well as the first one. */
  isServed(visit: Visit): boolean {
    const { status } = visit;
    return isSuccess(visit) || (status > 0 && status < 500 && status === this.first?.status);
  }

  /** A connection for several visits. The caller closes it. */
  connect(): SiteConnection {
    return new SiteConnection(this.#target);
  }

  /** Makes a visit, over a new connection unless one is given. Never rejects. */
  async visit(probe: Probe, given?: SiteConnection): Promise<Visit> {
    await this.announcer?.tell([probe]);
    const beganMs = performance.now();
    let connection = given;
    try {
      connection ??= this.connect();
      const reply = await connection.request(this.#request(probe, given !== undefined));
      return this.#visitOf(reply, performance.now() - beganMs);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code === undefined || message.includes(code) ? message : `${code}: ${message}`;
      const tookMs = performance.now() - beganMs;
      return { status: 0, error: why, version: undefined, cookies: [], headers: [], tookMs };
    } finally {
      if (given === undefined) connection?.close();
    }
  }

  /**
   * Makes visits in the order of their probes, a few at a time. If `signal` is aborted, the last ones are
   * missing.
   */
  async visitAll(probes: readonly Probe[], signal: AbortSignal): Promise<Visit[]> {
    const visits: Visit[] = [];
    let next = 0;
    const worker = async (end: number) => {
      while (next < end && !signal.aborted) {
        const index = next++;
        visits[index] = await this.visit(probes[index] ?? {});
      }
    };
    while (next < probes.length && !signal.aborted) {
      const end = Math.min(probes.length, next + ANNOUNCED_MAX);
      await this.announcer?.tell(probes.slice(next, end));
      await Promise.all(Array.from({ length: PROBES_AT_ONCE_MAX }, () => worker(end)));
    }
    return visits;
  }

  #request(probe: Probe, isKept: boolean): HttpRequest {
    const { assignment, cookie, headers = [], query, timeoutMs = PROBE_TIMEOUT_MS } = probe;
    const { pathname, search, host } = this.url;
    const own = [
      ["Host", host],
      ["User-Agent", this.#options.userAgent],
      ["Accept", "*/*"],
      ["Connection", isKept ? "keep-alive" : "close"],
    ] as const;
    const given = this.#options.headers;
    const replaced = new Set(given.map(([name]) => name.toLowerCase()));
    const brought = cookie ?? (assignment === undefined ? undefined : `${COOKIE}=${assignment}`);
    const all = [
      ...own.filter(([name]) => !replaced.has(name.toLowerCase())),
      ...given,
      ...headers,
      ...(brought === undefined ? [] : [["Cookie", brought] as const]),
    ];
    const more = query === undefined ? search : `${search}${search === "" ? "?" : "&"}${query}`;
    return { path: `${pathname}${more}`, headers: all, timeoutMs };
  }

  #visitOf(reply: HttpReply, tookMs: number): Visit {
    const { versionHeader, versionTexts } = this.#options;
    // `begin` stops at a visit that was served, so the last reply that it gets is the one that counts.
    if (this.first === undefined) this.telling = versionSourceOf(reply, versionHeader, versionTexts);
    return {
      status: reply.status,
      error: undefined,
      version: servedVersion(reply, this.telling),
      cookies: reply.headers
        .filter(([name, value]) => name === "set-cookie" && value.startsWith(`${COOKIE}=`))
        .map(([, value]) => value),
      headers: reply.headers,
      tookMs,
    };
  }
}

function isSuccess({ status }: Pick<Visit, "status">): boolean {
  return status >= 200 && status < 400;
}

/** The value of a header, joined from all its lines (RFC 9110, section 5.3); undefined if there is none. */
export function visitHeader(visit: Visit, name: string): string | undefined {
  const values = visit.headers.filter(([each]) => each === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

/** The value of the cookie in a `Set-Cookie` header. */
export function cookieValue(cookie: string): string {
  return cookie.slice(COOKIE.length + 1).split(";", 1)[0] ?? "";
}

/** How a visit ended, for counts: `200`, or `no reply`. */
export function outcome({ status }: Visit): string {
  return status === 0 ? "no reply" : String(status);
}
