/**
 * A lease in a file: the daemon writes a map, and Apache decides by itself, by comparisons in its configuration
 * (integrations/apache, docs/protocol/apache-map.md). Nothing is asked, so nobody can wait.
 *
 * The file is replaced as a whole, twice a second, and mod_rewrite reads it when its time has changed. Every line carries
 * its end, so that a daemon that stops renewing needs nobody to clean up. When it ends, it leaves the file: Apache does
 * not start without one.
 */

import { isAbsolute } from "node:path";
import { writeAtomically } from "../atomic-file.ts";
import { type Option, Problem, type Settings } from "../config/option.ts";
import { repeatable } from "../config/values.ts";
import type { ServerCounts } from "../metrics.ts";
import { leaseLine } from "./apache/map.ts";
import { KnownEnds } from "./haproxy/map.ts";
import type { Server, ServerContext, ServerKind } from "./server.ts";

/** How often a lease is renewed: a change in the store has reached Apache after this. */
const RENEW_EVERY_MS = 500;

export const apacheMap: Option<readonly string[]> = repeatable(
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

export const apacheMapKind: ServerKind = {
  name: "apache-map",
  options: [apacheMap],
  addresses: () => [],
  create(settings: Settings, context: ServerContext): Server[] {
    return settings.get(apacheMap).map((path) => new ApacheMap(context, path));
  },
};

export class ApacheMap implements Server {
  readonly name: string;
  readonly #context: ServerContext;
  readonly #path: string;
  readonly #counts: ServerCounts;
  readonly #known = new KnownEnds();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #renewing: Promise<void> = Promise.resolve();
  #isClosing = false;
  /** Undefined before the first renewal. */
  #isHeld: boolean | undefined;
  #leftOut = "";

  constructor(context: ServerContext, path: string) {
    this.#context = context;
    this.#path = path;
    this.name = `apache-map ${path}`;
    this.#counts = context.metrics.server(this.name);
  }

  /** Never rejects: a directory that is not there yet is tried again. */
  async start(): Promise<void> {
    this.#renewing = this.#renew();
  }

  /** Leaves the file as it is: the lease ends by itself, unless another daemon goes on with it. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    await this.#renewing;
  }

  async #renew(): Promise<void> {
    try {
      await writeAtomically(this.#path, this.#text());
      this.#counts.success++;
      this.#tell(true);
    } catch (error) {
      this.#counts.failure++;
      this.#tell(false, error instanceof Error ? error.message : String(error));
    }
    if (this.#isClosing) return;
    this.#timer = setTimeout(() => {
      this.#renewing = this.#renew();
    }, RENEW_EVERY_MS);
    this.#timer.unref();
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
      this.#context.log.warn("too many versions for a line of Apache's map: these are master", {
        server: this.name,
        versions: leftOut,
      });
    }
    this.#leftOut = leftOut;
  }

  /** Says what changed; a failure that goes on is for the log to count. */
  #tell(isHeld: boolean, error?: string): void {
    const { log } = this.#context;
    const fields = { server: this.name };
    if (!isHeld) {
      log.warn("Apache's lease cannot be renewed, so Apache serves master when it has ended", {
        ...fields,
        error,
      });
    } else if (this.#isHeld !== true) {
      log.info("Apache holds a lease", fields);
    }
    this.#isHeld = isHeld;
  }
}
