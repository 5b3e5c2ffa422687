/**
 * A lease in a file: the daemon writes a map, and Apache decides by itself, by comparisons in its
 * configuration (integrations/apache, docs/protocol/apache-map.md). Apache asks nothing, so no visitor can
 * wait.
 *
 * Twice a second the daemon replaces the whole file. mod_rewrite reads it when its modification time has
 * changed. Every line carries its end, so nothing has to be cleaned up if a daemon stops renewing. A daemon
 * that ends leaves the file, because Apache does not start without it.
 */

import { dirname, isAbsolute } from "node:path";
import { type Option, Problem, type Settings } from "../config/option.ts";
import { repeatable } from "../config/values.ts";
import { writeAtomically } from "../files/atomic-file.ts";
import { whyNoFilesIn } from "../files/writable.ts";
import { leaseLine } from "./apache/map.ts";
import { KnownEnds } from "./arc-ends.ts";
import type { LeaseContext, LeaseKind, LeaseTrial, Publisher } from "./lease.ts";
import { Renewal } from "./renewal.ts";

/** Apache's children read the file, and run as another user. */
const MAP_MODE = 0o644;

export const apacheMapPaths: Option<readonly string[]> = repeatable(
  {
    name: "apache-map",
    placeholder: "PATH",
    summary: "an Apache that decides by itself: the file of its map, which the daemon writes",
    absent: [],
  },
  (text) =>
    isAbsolute(text) && !text.includes("\0") && !text.endsWith("/")
      ? text
      : new Problem("write the whole path of a file, such as /var/lib/maxwells-daemon/apache.map"),
);

export const apacheMap: LeaseKind = {
  name: "apache-map",
  proxy: { name: "apache", title: "Apache", processes: ["apache2", "httpd"], versionFlags: ["-v"] },
  options: [apacheMapPaths],
  unseen: "Apache with a map decides by itself and reports nothing",
  remedy: "look at the daemon's log: the daemon's user must be able to write the file and its directory",
  addresses: () => [],
  targets: (settings) => settings.get(apacheMapPaths).map((text) => ({ text })),
  tryTargets: async (settings) => settings.get(apacheMapPaths).map(tryMap),
  create(settings: Settings, context: LeaseContext): Publisher[] {
    return settings.get(apacheMapPaths).map((path) => new ApacheMap(context, path));
  },
};

function tryMap(path: string): LeaseTrial {
  const refused = whyNoFilesIn(dirname(path));
  return refused === undefined
    ? { level: "ok", text: `${path} can be written` }
    : { level: "problem", text: `${refused}; make the directory, and let this user write to it` };
}

export class ApacheMap implements Publisher {
  readonly name: string;
  readonly #context: LeaseContext;
  readonly #renewal: Renewal;
  readonly #known = new KnownEnds();
  #leftOut = "";

  constructor(context: LeaseContext, path: string) {
    this.#context = context;
    const counts = context.metrics.server({
      protocol: apacheMap.name,
      address: { kind: "file", path },
      listens: false,
      leasesTo: apacheMap.proxy.name,
    });
    this.name = counts.name;
    this.#renewal = new Renewal({
      proxy: apacheMap.proxy.title,
      fields: { server: this.name },
      log: context.log,
      counts,
      renew: () => writeAtomically(path, this.#text(), { mode: MAP_MODE }),
    });
  }

  /** Never rejects: if the directory is not there yet, the daemon tries again. */
  async start(): Promise<void> {
    this.#renewal.start();
  }

  /** Leaves the file. The lease ends by itself, unless another daemon goes on with it. */
  close(): Promise<void> {
    return this.#renewal.close();
  }

  #text(): string {
    const { rollout, clock } = this.#context;
    const nowMs = clock();
    const nowEpochMs = Date.now();
    const leftOut: string[] = [];
    const lines = rollout.applications.map((application) => {
      const lease = rollout.table(application)?.lease(nowMs);
      if (lease === undefined) return "";
      const said = leaseLine(application, lease, nowEpochMs, this.#known);
      leftOut.push(...said.leftOut.map((version) => `${application}/${version}`));
      return said.line === undefined ? "" : `${said.line}\n`;
    });
    this.#known.sweep();
    this.#warnOf(leftOut.join(" "));
    return lines.join("");
  }

  #warnOf(leftOut: string): void {
    if (leftOut !== "" && leftOut !== this.#leftOut) {
      this.#context.log.warn(
        "Apache's map has no room for these versions, so their visitors go to master; remove versions that take no visitors",
        {
          server: this.name,
          versions: leftOut,
        },
      );
    }
    this.#leftOut = leftOut;
  }
}
