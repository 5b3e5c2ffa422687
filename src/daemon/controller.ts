/** The controller of a daemon with `-releases on`, and what it keeps in the state directory. */

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { checks } from "../checks/named-checks.ts";
import { CheckRunner } from "../checks/runner.ts";
import type { Settings } from "../config/option.ts";
import { Controller } from "../controller/controller.ts";
import { Highest } from "../controller/highest.ts";
import { Overrides } from "../controller/overrides.ts";
import { DirectoryFiles } from "../controller/state-files.ts";
import type { Log } from "../log/log.ts";
import {
  NAME_LENGTH_MAX,
  name,
  region,
  releases,
  stateDir,
  store,
  table,
  unhealthyMs,
} from "../settings/options.ts";
import type { Store } from "../stores/store.ts";
import { SYSTEM_TIMERS } from "../timers.ts";
import { sourceOf } from "./state-directory.ts";

/** 96 bits. */
const KEY_BYTES = 12;

export interface ControllerContext {
  readonly store: Store;
  readonly log: Log;
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

/** Undefined with `-releases off`. */
export async function openController(
  settings: Settings,
  { store: opened, log, clock, reapply }: ControllerContext,
): Promise<Leading | undefined> {
  if (!settings.get(releases)) return undefined;
  const directory = settings.get(stateDir);
  const filesIn = (part: string) =>
    directory === null ? undefined : new DirectoryFiles(join(directory, part));
  const source = [sourceOf(settings.get(store)), settings.get(table), settings.get(region)].join(" ");
  const overrides = new Overrides({ files: filesIn("overrides"), store: source, log });
  await overrides.load();
  const controller = new Controller({
    ...{ store: opened, log, clock, reapply, overrides, timers: SYSTEM_TIMERS },
    ...{ wallClock: Date.now, random: Math.random, unhealthyMs: unhealthyMs(settings) },
    checks: (onHarm) =>
      new CheckRunner({
        ...{
          checks: settings.get(checks),
          environment: process.env,
          clock,
          timers: SYSTEM_TIMERS,
          log,
          onHarm,
        },
      }),
    drawKey: () => randomBytes(KEY_BYTES).toString("hex"),
    highest: new Highest({ files: filesIn("releases"), store: source, log }),
    name: settings.get(name) ?? nameOfHost(),
  });
  return { controller, overrides };
}

/** The host's name, in the form of `-name`. */
function nameOfHost(): string {
  return (
    hostname()
      .replace(/[^\p{L}\p{N}\p{P}\p{S}]/gu, "-")
      .slice(0, NAME_LENGTH_MAX) || "daemon"
  );
}
