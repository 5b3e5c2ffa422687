/** The page for browsers, and the parts of the daemon that it shows. */

import { admin } from "../admin/admin.ts";
import type { Route } from "../admin/pages.ts";
import { abortRoute } from "../alerts/abort-route.ts";
import { tokenLook } from "../alerts/token-look.ts";
import { Problem, type Settings } from "../config/option.ts";
import type { Log } from "../log/log.ts";
import { Access } from "../page/access.ts";
import type { PageNews } from "../page/news.ts";
import { adminTokenFile, adminUserHeader } from "../page/options.ts";
import { placeOf } from "../page/place.ts";
import { pageRoutes } from "../page/routes.ts";
import { Sessions } from "../page/sessions.ts";
import { applicationNews, daemonNews, listNews, type SourceParts } from "../page/source.ts";
import { readToken } from "../page/token-file.ts";
import { Tries } from "../page/tries.ts";
import { Viewers } from "../page/viewers.ts";
import { daemonStoreFlags } from "../settings/store-flags.ts";
import type { Store } from "../stores/store.ts";
import { isOpen } from "../stream/exposure.ts";
import { SYSTEM_TIMERS } from "../timers.ts";
import { ownName } from "./own-name.ts";

/** The parts of the daemon, without its name. */
export type PageSources = Omit<SourceParts, "name">;

export interface PageParts {
  readonly store: Store;
  /** The first application of the daemon. */
  readonly first: string;
  readonly log: Log;
  readonly clock: () => number;
  /** Called when a page is open, so all parts are there. */
  readonly sources: () => PageSources;
}

export interface Page {
  readonly viewers: Viewers;
  readonly routes: ReadonlyMap<string, Route>;
}

export async function openPage(settings: Settings, parts: PageParts): Promise<Page> {
  const { store, first, log, clock, sources } = parts;
  const address = settings.get(admin);
  const name = ownName(settings);
  const isServed = (application: string) => sources().rollout.table(application) !== undefined;
  const viewers = new Viewers({
    ...{ store, timers: SYSTEM_TIMERS, isServed },
    clocks: { monotonic: clock, wall: Date.now },
    text: (application, watched) => {
      const from = { ...sources(), name };
      const news: PageNews = {
        atMs: Math.round(clock()),
        daemon: daemonNews(from),
        list: listNews(from),
        application: applicationNews(from, application, watched),
      };
      return JSON.stringify(news);
    },
  });
  const token = tokenIn(settings, log);
  const newTries = () => new Tries({ clock, timers: SYSTEM_TIMERS });
  const access = new Access({
    sessions: token === undefined ? undefined : new Sessions({ token, clock, tries: newTries() }),
    userHeader: settings.get(adminUserHeader) ?? undefined,
    isLocal: address === null || !isOpen({ kind: "tcp", ...address }),
  });
  const told = (message: string, fields: Readonly<Record<string, string>>) => log.info(message, fields);
  const storeFlags = daemonStoreFlags(settings);
  const forBrowsers = await pageRoutes({
    ...{ viewers, access, store, storeFlags, first, isServed, told },
    place: (query) => placeOf(sources().rollout, query, clock()),
  });
  // Wrong tokens of alerts are counted by themselves, so that they keep no operator from a login.
  const lookAt = token === undefined ? undefined : tokenLook(token, newTries());
  const forAlerts = abortRoute({ store, storeFlags, isServed, lookAt, log, wallClock: Date.now });
  return { viewers, routes: new Map([...forBrowsers, forAlerts]) };
}

/** Visitors need no page, so a daemon starts also if its file of the token is not there. */
function tokenIn(settings: Settings, log: Log): string | undefined {
  const path = settings.get(adminTokenFile);
  if (path === null) return undefined;
  const token = readToken(path);
  if (!(token instanceof Problem)) return token;
  log.error("no operator can log in to the page, and no alert can abort, because the token cannot be used", {
    error: token.message,
    remedy: "mend the file, and restart the daemon; commands and visitors are not concerned",
  });
  return undefined;
}
