/** The controller of a daemon with `-releases on`, and what it keeps in the state directory. */

import { join } from "node:path";
import { checks } from "../checks/named-checks.ts";
import { CheckRunner, type Harm } from "../checks/runner.ts";
import type { Settings } from "../config/option.ts";
import { Controller } from "../controller/controller.ts";
import { Highest } from "../controller/highest.ts";
import { Overrides } from "../controller/overrides.ts";
import type { StoreLink } from "../exchange/store-link.ts";
import { DirectoryFiles } from "../files/small-files.ts";
import { Hearings } from "../hearing/hearings.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics.ts";
import { notify, SecretError, signingKeys } from "../notices/options.ts";
import { NoticeSender } from "../notices/sender.ts";
import { ToldLog } from "../notices/told-log.ts";
import type { Rollout } from "../rollout.ts";
import { OVERRIDES_DIRECTORY } from "../saved/override-file.ts";
import { application } from "../settings/application.ts";
import { region, releases, stateDir, store, table, unhealthyMs } from "../settings/options.ts";
import { daemonStoreFlags } from "../settings/store-flags.ts";
import type { Store } from "../stores/store.ts";
import { SYSTEM_TIMERS } from "../timers.ts";
import { drawKey } from "../verbs/draw-key.ts";
import { nowIn } from "../verbs/look.ts";
import { ownName } from "./own-name.ts";
import { StartError } from "./start-error.ts";
import { sourceOf } from "./state-directory.ts";

export interface ControllerContext {
  readonly store: Store;
  readonly link: StoreLink;
  readonly hearings: Hearings | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  /** Makes the feed build the arcs of an application again. */
  readonly reapply: (application: string) => void;
}

export interface Leading {
  readonly controller: Controller;
  /** For the feed. They are loaded. */
  readonly overrides: Overrides;
}

/**
 * Hears the outcomes of releases. Undefined if nothing can become of them: the daemon judges nothing, and the
 * store has no place for its news.
 */
export function openHearings(
  settings: Settings,
  {
    store: opened,
    link,
    clock,
    log,
    rollout,
  }: Pick<ControllerContext, "store" | "link" | "clock" | "log"> & { readonly rollout: Rollout },
): Hearings | undefined {
  const listens = settings.get(releases) && opened.write !== undefined;
  if (!listens && link.exchanges === undefined) return undefined;
  return new Hearings({
    ...{ link, listens, clock, log, hasStoreClock: opened.clock !== undefined },
    ...{ wallClock: Date.now, timers: SYSTEM_TIMERS, from: drawKey() },
    name: ownName(settings),
    isServed: ({ application, version }, share, offset) =>
      rollout.table(application)?.serves(version, share, offset, clock()) ?? false,
    applications: settings.get(application).length,
  });
}

/** Undefined with `-releases off`. Rejects with a `StartError` if the secrets of notices cannot be read. */
export async function openController(
  settings: Settings,
  context: ControllerContext,
): Promise<Leading | undefined> {
  if (!settings.get(releases)) return undefined;
  const { store: opened, link, hearings, log, clock, reapply } = context;
  const directory = settings.get(stateDir);
  if (directory === null) {
    log.warn("there is no state directory, so this daemon forgets its verdicts when it restarts", {
      remedy: "start the daemon with a -state-dir in which it may write",
    });
  }
  const filesIn = (part: string) =>
    directory === null ? undefined : new DirectoryFiles(join(directory, part));
  const source = [sourceOf(settings.get(store)), settings.get(table), settings.get(region)].join(" ");
  const own = ownName(settings);
  const served = new Set(settings.get(application));
  const overrides = new Overrides({
    ...{ files: filesIn(OVERRIDES_DIRECTORY), store: source, log },
    serves: (name) => served.has(name),
  });
  await overrides.load();
  const controller = new Controller({
    ...{ store: opened, link, hearings, log, clock, reapply, overrides, timers: SYSTEM_TIMERS, name: own },
    ...{ wallClock: Date.now, random: Math.random, unhealthyMs: unhealthyMs(settings) },
    drawKey,
    storeFlags: daemonStoreFlags(settings),
    highest: new Highest({ files: filesIn("releases"), store: source, log }),
    checks: (onHarm) => checksOf(settings, context, onHarm),
    notices: noticesOf(settings, context, own),
  });
  return { controller, overrides };
}

function checksOf(
  settings: Settings,
  { clock, log }: ControllerContext,
  onHarm: (harm: Harm) => void,
): CheckRunner {
  const environment = process.env;
  return new CheckRunner({
    ...{ checks: settings.get(checks), environment, clock, timers: SYSTEM_TIMERS, log, onHarm },
  });
}

function noticesOf(
  settings: Settings,
  { store: opened, clock, log, metrics }: ControllerContext,
  own: string,
): NoticeSender {
  const { evidence } = opened;
  return new NoticeSender({
    ...{ destinations: settings.get(notify), keys: keysOf(settings), own, clock, log, metrics },
    ...{ timers: SYSTEM_TIMERS, transport: fetch, now: Date.now, random: Math.random },
    told: evidence === undefined ? undefined : new ToldLog({ evidence, timers: SYSTEM_TIMERS, log }),
    async reread(application, version, signal) {
      const { found } = nowIn(await opened.read(application, signal), version);
      return found.kind === "release" ? found.release : undefined;
    },
  });
}

function keysOf(settings: Settings): readonly Uint8Array[] {
  try {
    return signingKeys(settings);
  } catch (error) {
    throw error instanceof SecretError ? new StartError(error.message, { cause: error }) : error;
  }
}
