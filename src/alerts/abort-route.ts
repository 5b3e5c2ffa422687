/**
 * `POST /api/abort`: Alertmanager's webhook, with the token of the page as a bearer token.
 *
 * The status tells Alertmanager whether to send the alerts again. It tries again after 5xx alone:
 *
 *     200  aborted, or there is nothing to abort
 *     400  the body is not Alertmanager's
 *     401  no token, or a wrong one
 *     403  a browser asks, or the daemon has no token
 *     409  a person has to act: the store is read-only, or the release cannot be read
 *     415  the body is not JSON
 *     503  the store failed, or there were too many wrong tokens
 */

import { hostname } from "node:os";
import { type AdminPage, type Asked, type Route, text } from "../admin/pages.ts";
import { Problem } from "../config/option.ts";
import type { Log } from "../log/log.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import type { Store } from "../stores/store.ts";
import { oneLine } from "../text/one-line.ts";
import { tellAborts } from "./abort-lines.ts";
import { alertAuthor } from "./abort-reason.ts";
import { type AbortKind, abortReleases } from "./abort-releases.ts";
import { FutureAlerts } from "./future-alerts.ts";
import { readAlerts } from "./read-alerts.ts";
import { shortName } from "./short-name.ts";
import type { TokenLook } from "./token-look.ts";

export const ABORT_PATH = "/api/abort";

/**
 * The longest body. Alertmanager sends a group of alerts in one, of about a kilobyte each. A group that is
 * longer would not abort, so it has more room than a verb of the page.
 */
export const ALERTS_BYTES_MAX = 262_144;

export interface AbortRouteOptions {
  readonly store: Store;
  readonly storeFlags: StoreFlags;
  /** Undefined without a token: then no alert aborts. */
  readonly lookAt: TokenLook | undefined;
  readonly isServed: (application: string) => boolean;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
}

export function abortRoute(options: AbortRouteOptions): readonly [path: string, route: Route] {
  const future = new FutureAlerts();
  const make = async (asked: Asked) => refusal(asked) ?? (await withToken(asked, options, future));
  return [ABORT_PATH, { method: "POST", bodyBytesMax: ALERTS_BYTES_MAX, make }];
}

/** A browser always names the site that asks. Alertmanager is none. */
function refusal({ headers }: Asked): AdminPage | undefined {
  if (headers.has("origin") || headers.has("sec-fetch-site"))
    return text(403, "browsers cannot abort here\n");
  const type = headers.get("content-type") ?? "";
  return /^application\/json(?:;.*)?$/i.test(type) ? undefined : text(415, "send application/json\n");
}

async function withToken(asked: Asked, options: AbortRouteOptions, future: FutureAlerts): Promise<AdminPage> {
  const { lookAt, log } = options;
  if (lookAt === undefined) {
    return text(403, "alerts cannot abort, because the daemon has no -admin-token-file\n");
  }
  const [, token] = /^Bearer +(\S+)$/i.exec(asked.headers.get("authorization") ?? "") ?? [];
  if (token === undefined) {
    return text(401, "send the token of -admin-token-file as Authorization: Bearer\n", CHALLENGE);
  }
  switch (await lookAt(token, asked)) {
    case "wrong":
      log.error("an alert did not abort a release, because its token is wrong", { remedy: TOKEN_REMEDY });
      return text(401, "that is not the token\n", CHALLENGE);
    case "too-often":
      return text(503, "too many wrong tokens; wait a minute\n");
    case "right":
      return abort(asked, options, future);
  }
}

const CHALLENGE = { "WWW-Authenticate": "Bearer" };

const TOKEN_REMEDY =
  "give Alertmanager the token of -admin-token-file, in authorization.credentials_file of its receiver";

async function abort(
  { body }: Asked,
  { store, storeFlags, isServed, log, wallClock }: AbortRouteOptions,
  future: FutureAlerts,
): Promise<AdminPage> {
  const alerts = readAlerts(body);
  if (alerts instanceof Problem) {
    log.error("alerts did not abort a release, because their message cannot be read", {
      error: oneLine(alerts.message),
    });
    return text(400, `${oneLine(alerts.message)}\n`);
  }
  const { receiver } = alerts;
  const nowMs = wallClock();
  const aborts = alerts.aborts.map((alert) => future.seen(alert, nowMs));
  const early = alerts.aborts.find((alert, index) => alert !== aborts[index]);
  if (early !== undefined) {
    log.warn("an alert says that it begins in the future, so it counts from the first time that it came", {
      ...{ alert: shortName(early.name), startsAt: new Date(early.beganAtMs).toISOString() },
      remedy: "correct the clock of Prometheus, or the one of this machine",
    });
  }
  const author = alertAuthor(receiver, hostname());
  const results = await abortReleases(aborts, {
    ...{ store, storeFlags, author, receiver, isServed },
    timeLimit: (ms) => AbortSignal.timeout(ms),
  });
  tellAborts(results, author, log);
  const status = Math.max(200, ...results.map(({ kind }) => STATUSES[kind]));
  return { status, contentType: "application/json", body: `${JSON.stringify({ results })}\n` };
}

/** The worst one counts for all, because a repeated abort does no harm. */
const STATUSES: Readonly<Record<AbortKind, number>> = {
  aborted: 200,
  nothing: 200,
  refused: 409,
  unavailable: 503,
};
