/**
 * Real daemons on one file that judge a release. The release began before they did, so that the first seconds
 * of its step, which do not count, are over.
 */

import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { covers } from "../../src/circle.ts";
import { COIN_WORDS } from "../../src/evidence/evidence-lines.ts";
import type { News } from "../../src/evidence/news.ts";
import { newsIn } from "../../src/evidence/news-lines.ts";
import { unpackWords } from "../../src/evidence/packing.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { openStore } from "../../src/stores/list.ts";
import { KEY, releaseOf } from "../releases/world.ts";
import { DaemonHome, type DaemonProcess } from "./daemon-process.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./port.ts";

export const SHARE = 0.05;
export const OFFSET = 0.25;

/** The bound is 5 s. The machine that runs the tests may be busy. */
export const RESCUE_MS_MAX = 15_000;

export interface Report {
  readonly location?: string;
  readonly status?: number;
  /** The visitor's address is in this /24. */
  readonly network?: number;
  readonly brought?: "0" | "1" | "-";
}

const udp = createSocket("udp4");
udp.unref();

export class Judge {
  readonly home: DaemonHome;
  readonly port: number;
  #daemon: DaemonProcess | undefined;

  constructor(home: DaemonHome, port: number) {
    this.home = home;
    this.port = port;
  }

  get daemon(): DaemonProcess {
    if (this.#daemon === undefined) throw new Error("the daemon is not started");
    return this.#daemon;
  }

  async start(): Promise<void> {
    this.#daemon = await this.home.start();
  }

  /** Kills it, and starts the next one, which may find no store. */
  async startAgain(hasStore = true): Promise<void> {
    await this.daemon.end("SIGKILL");
    this.#daemon = await (hasStore ? this.home.start() : this.home.startStale());
  }

  report(assignment: number, report: Report = {}): void {
    const { location = "canary", status = 200, network = 0, brought = "1" } = report;
    const source = `10.${network >> 8}.${network & 255}.1`;
    this.send(`website ${location} ${assignment} ${status} 0.010 ${brought} source=${source}`);
  }

  send(text: string): void {
    udp.send(text, this.port, "127.0.0.1");
  }

  /** The record of the canary. */
  get record(): Judged {
    // The test wrote this file, or a daemon of this program did.
    return JSON.parse(readFileSync(this.home.storePath, "utf8"))[this.home.application].canary as Judged;
  }

  isAborted(): boolean {
    return this.record.release.state === "aborted";
  }

  /** The visitors whose errors the daemons have told each other in this release. */
  async coinsTold(key: string): Promise<number> {
    const coins = (await this.#told(key)).flatMap((news) =>
      news.kind === "coins" && news.of === "errors" ? (unpackWords(news.coins) ?? []) : [],
    );
    return coins.length / COIN_WORDS;
  }

  /** The names of the daemons that lead this release. Each has read the evidence before it says so. */
  async leaders(key: string): Promise<ReadonlySet<string>> {
    const told = await this.#told(key);
    return new Set(told.flatMap((news) => (news.kind === "presence" ? [news.name] : [])));
  }

  async #told(key: string): Promise<readonly News[]> {
    const store = await openStore(`file:${this.home.storePath}`, {
      ...{ table: "", region: "", environment: {}, warn: () => {} },
    });
    const log = { application: this.home.application, key };
    const told = await store.evidence?.read(log, undefined, AbortSignal.timeout(5_000));
    await store.close();
    return newsIn(told?.batches ?? []);
  }

  async stop(): Promise<void> {
    await this.#daemon?.end("SIGKILL");
    this.home.remove();
  }
}

export interface Judged {
  readonly rollout: number;
  readonly offset: number;
  readonly release: Pick<Release, "key" | "state" | "step" | "reason" | "log">;
}

export interface JudgesOptions {
  /** The environment of each daemon. */
  readonly envs?: readonly Readonly<Record<string, string>>[];
  readonly release?: ReleaseOptions;
}

/** Daemons `web-1`, `web-2` and so on, and a release that they lead. */
export async function judgesOf(
  count: number,
  { envs = [], release = {} }: JudgesOptions = {},
): Promise<readonly [Judge, ...Judge[]]> {
  const open = async (n: number, store?: string) => {
    const port = await freePort();
    const flags = ["-releases", "on", "-outcomes", `127.0.0.1:${port}`, "-name", `web-${n}`];
    const shared = store === undefined ? { records: { canary: 0 } } : { store };
    return new Judge(new DaemonHome({ ...shared, env: envs[n - 1] ?? {}, flags }), port);
  };
  const first = await open(1);
  const judges: [Judge, ...Judge[]] = [first];
  begin(first.home, release);
  while (judges.length < count) judges.push(await open(judges.length + 1, `file:${first.home.storePath}`));
  await Promise.all(judges.map((judge) => judge.start()));
  // Without the evidence of the others, a daemon has no verdict.
  const { key = KEY } = release;
  await eventually(async () => (await first.leaders(key)).size === count, "all daemons lead");
  return judges;
}

export interface ReleaseOptions {
  readonly key?: string;
  /** A record whose `seq` is below that of the release before looks like an older state of the store. */
  readonly seq?: number;
  readonly plan?: string;
  /** How long ago the release began. */
  readonly agoMs?: number;
}

/** A release in its first step. */
export function begunRelease(options: ReleaseOptions = {}): Release {
  const { key = KEY, seq = 1, plan = "5%:1h,100%:1h", agoMs = 60_000 } = options;
  const beganMs = Date.now() - agoMs;
  return releaseOf({
    ...{ key, plan, step: 1, seq, wrote: [SHARE, OFFSET], since: new Date(beganMs).toISOString() },
    arcs: [[beganMs, SHARE, OFFSET]],
    log: [[seq, beganMs, "running", 1, SHARE, "ada@web-9"]],
  });
}

/** Writes the release of these options, or this one. */
export function begin(home: DaemonHome, release: ReleaseOptions | Release = {}): void {
  const begun = "arcs" in release ? release : begunRelease(release);
  home.write({ canary: { rollout: SHARE, offset: OFFSET, release: releaseField(begun) } });
}

/**
 * A release that began before these daemons did, although they served another one. On a store without a
 * clock, a daemon that reads a step for the first time knows that it was written since its last reading.
 */
export async function beginBefore(
  judges: readonly Judge[],
  release: ReleaseOptions | Release,
): Promise<void> {
  await Promise.all(judges.map(({ daemon }) => daemon.end("SIGKILL")));
  for (const { home } of judges.slice(0, 1)) begin(home, release);
  await Promise.all(judges.map((judge) => judge.start()));
}

/** The n-th visitor of the canary's arc. */
export function visitorAt(n: number): number {
  const assignment = Number(((OFFSET + 0.001 + n * 0.0011) % 1).toFixed(6));
  if (!covers(OFFSET, SHARE, assignment)) throw new Error(`${n} visitors are too many`);
  return assignment;
}

/** All daemons send a visitor of the canary's arc to master. */
export async function rescued(judges: readonly Judge[], withinMs = RESCUE_MS_MAX): Promise<void> {
  await eventually(
    async () => {
      const at = await Promise.all(judges.map(({ home }) => home.ask(String(visitorAt(44)))));
      return at.every((location) => location === "master");
    },
    "all daemons serve master",
    withinMs,
  );
}
