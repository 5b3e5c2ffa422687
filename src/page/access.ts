/**
 * Says who asks, and refuses what a foreign site made a browser ask.
 *
 * The listener refuses a foreign `Host` on each route. Here are the checks of a write: a browser says by
 * `Sec-Fetch-Site` and `Origin` which site asks, a form cannot send JSON, and a cookie with `SameSite=Strict`
 * does not go along from other sites. Each of them alone is enough. Old browsers know only some of them.
 */

import type { AdminPage, Asked } from "../admin/pages.ts";
import { text } from "../admin/pages.ts";
import { isOperatorName, type Sessions } from "./sessions.ts";
import { clientOf } from "./tries.ts";

const COOKIE = "maxwells-daemon";

/** As long as a session. */
const COOKIE_SECONDS = 8 * 3_600;

export interface AccessOptions {
  /** Undefined without a token: then no operator can log in. */
  readonly sessions: Sessions | undefined;
  /** The header in which a proxy names the person, in lower case; undefined if no proxy does. */
  readonly userHeader: string | undefined;
  /** Whether the listener is on loopback. Otherwise the page is shown only to those who are logged in. */
  readonly isLocal: boolean;
}

export class Access {
  readonly #options: AccessOptions;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** Whether an operator can be logged in. */
  get canWrite(): boolean {
    return this.#options.sessions !== undefined || this.#options.userHeader !== undefined;
  }

  /** The operator who asks; undefined if it is not known. */
  nameOf({ headers }: Asked): string | undefined {
    const { sessions, userHeader } = this.#options;
    const named = userHeader === undefined ? undefined : headers.get(userHeader);
    if (named !== undefined && isOperatorName(named)) return named;
    const id = cookieIn(headers);
    return id === undefined ? undefined : sessions?.nameOf(id);
  }

  /** Why the page is not shown; undefined if it is. */
  hidden(asked: Asked): AdminPage | undefined {
    if (this.#options.isLocal || this.nameOf(asked) !== undefined) return undefined;
    return this.canWrite
      ? text(401, "log in to see the page\n")
      : text(
          403,
          "other machines can reach this listener, so its page needs a login; start the daemon with -admin-token-file, or with -admin on 127.0.0.1\n",
        );
  }

  /** Why a write is refused, also for an operator who is logged in; undefined if it is not. */
  foreign(asked: Asked): AdminPage | undefined {
    const { headers } = asked;
    const refusal = this.foreignRead(asked);
    if (refusal !== undefined) return refusal;
    const origin = headers.get("origin");
    if (origin !== undefined && authorityOf(origin) !== headers.get("host")?.toLowerCase()) {
      return text(403, FOREIGN);
    }
    const type = headers.get("content-type") ?? "";
    return /^application\/json(?:;.*)?$/i.test(type) ? undefined : text(403, "send application/json\n");
  }

  /**
   * Why a read is refused; undefined if it is not. Another site cannot read an answer, but its streams would
   * take the places of the operators' pages.
   */
  foreignRead({ headers }: Asked): AdminPage | undefined {
    const site = headers.get("sec-fetch-site") ?? "none";
    return site === "same-origin" || site === "none" ? undefined : text(403, FOREIGN);
  }

  /** The login page's answer. */
  async logIn(asked: Asked, name: string, token: string): Promise<AdminPage> {
    const { sessions } = this.#options;
    if (sessions === undefined) return text(403, "start the daemon with -admin-token-file\n");
    const { headers, peer, closing } = asked;
    const result = await sessions.logIn(name, token, { client: clientOf(peer, headers), leaving: closing });
    switch (result.kind) {
      case "in":
        this.#end(asked);
        return { ...text(204, ""), headers: { "Set-Cookie": cookie(headers, result.id, COOKIE_SECONDS) } };
      case "wrong":
        return text(403, "that is not the token\n");
      case "bad-name":
        return text(400, "write your name with letters, digits, dots and dashes\n");
      case "too-often":
        return text(429, "too many wrong tokens from your address; wait a minute\n");
    }
  }

  logOut(asked: Asked): AdminPage {
    this.#end(asked);
    return { ...text(204, ""), headers: { "Set-Cookie": cookie(asked.headers, "", 0) } };
  }

  /** The login that the browser had until now, so that its cookie is worth nothing any more. */
  #end({ headers }: Asked): void {
    const id = cookieIn(headers);
    if (id !== undefined) this.#options.sessions?.logOut(id);
  }
}

const FOREIGN = "another site asks, or a proxy in front of the page does not pass the header Host on\n";

/**
 * Browsers send a cookie to all ports of a host. So pages of several daemons, such as those of two tunnels to
 * one machine, have cookies of different names.
 */
function cookieName(headers: Asked["headers"]): string {
  const [, port] = /:(\d{1,5})$/.exec(headers.get("host") ?? "") ?? [];
  return port === undefined ? COOKIE : `${COOKIE}-${port}`;
}

/** Behind a proxy with TLS, the browser sends the cookie by TLS alone. */
function cookie(headers: Asked["headers"], id: string, seconds: number): string {
  const secure = headers.get("origin")?.toLowerCase().startsWith("https:") ? "; Secure" : "";
  return `${cookieName(headers)}=${id}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
}

function cookieIn(headers: Asked["headers"]): string | undefined {
  const wanted = cookieName(headers);
  for (const pair of (headers.get("cookie") ?? "").split(/[;,]/)) {
    const [name, value] = pair.trim().split("=", 2);
    if (name === wanted && value !== undefined && value !== "") return value;
  }
  return undefined;
}

function authorityOf(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase();
}
