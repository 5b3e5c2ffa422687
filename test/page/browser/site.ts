/**
 * A daemon with an application for each state that the page can show. It leads their releases, and hears
 * outcomes of the visitors of two of them.
 */

import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Release } from "../../../src/releases/release.ts";
import { releaseField } from "../../../src/releases/release-field.ts";
import { releaseOf } from "../../releases/world.ts";
import { DaemonHome, type DaemonProcess } from "../../support/daemon-process.ts";
import { freePort } from "../../support/port.ts";

export const TOKEN = "0123456789abcdef0123";

const MINUTE_MS = 60_000;
const OFFSET = 0.25;

/** It fits into an address, a file name and an argument, because an application's name must. */
export const MARKUP = "<img src=x onerror=hacked=1>";
const LONG_NAME = "a-name-without-a-space-".repeat(5);

export interface Recorded {
  readonly rollout: number;
  readonly [field: string]: unknown;
}

export interface ShownState {
  /** The name of the application. */
  readonly name: string;
  readonly record: () => Recorded;
  /** A text that the page shows in this state. */
  readonly says: RegExp;
}

const key = (n: number) => n.toString(16).padStart(24, "0");

/** A record with a release, which began its present step `agoMs` ago. */
export function recorded(n: number, rollout: number, agoMs: number, changes: Partial<Release>): Recorded {
  const atMs = Date.now() - agoMs;
  const { state = "running", step = 1, reason } = changes;
  const release = releaseOf({
    ...{ key: key(n), since: new Date(atMs).toISOString(), wrote: [rollout, OFFSET], seq: 4 },
    arcs: [
      [atMs - 10 * MINUTE_MS, 0.01, OFFSET],
      [atMs, rollout, OFFSET],
    ],
    log: [
      [3, atMs - 10 * MINUTE_MS, "running", 1, 0.01, "ada@web-1"],
      [4, atMs, state, step, rollout, "grace@web-2"],
    ],
    ...changes,
  });
  const updatedAt = new Date(atMs).toISOString();
  const why = reason === undefined ? {} : { why: reason };
  return {
    rollout,
    offset: OFFSET,
    release: releaseField(release),
    updatedBy: "grace@web-2",
    updatedAt,
    ...why,
  };
}

const WITH_OK = "5%:1m+ok,25%:1h+ok,100%:1d";
export const TIMED = "1%:10m,5%:1h,25%:1h,100%:1d";

export const STATES: readonly ShownState[] = [
  { name: "idle", record: () => ({ rollout: 0 }), says: /^no release$/ },
  {
    name: "running",
    record: () => recorded(1, 0.05, 5 * MINUTE_MS, { step: 2, plan: TIMED }),
    says: /running, step 2\/4, at 5%; it waits for time/,
  },
  {
    name: "evidence",
    record: () => recorded(2, 0.05, 3 * MINUTE_MS, { step: 1, plan: WITH_OK }),
    says: /^\d+ outcomes in this step, \d+ of them errors$/,
  },
  {
    name: "silent",
    record: () => recorded(3, 0.05, 3 * MINUTE_MS, { step: 1, plan: WITH_OK }),
    says: /^Nothing is heard\. Silence is not health\.$/,
  },
  {
    name: "sign",
    record: () => recorded(9, 0.05, 3 * MINUTE_MS, { step: 2, plan: TIMED }),
    says: /^sign place is raised: the release is held$/,
  },
  {
    name: "approval",
    record: () => recorded(4, 0.05, MINUTE_MS, { step: 1, plan: "5%,25%:1h,100%:1d" }),
    says: /it waits for approval, to go on to 25%/,
  },
  {
    name: "paused",
    record: () =>
      recorded(5, 0.05, MINUTE_MS, { step: 2, plan: TIMED, state: "paused", reason: "lunch, back at two" }),
    says: /paused, step 2\/4, at 5%; it waits for a person/,
  },
  {
    name: "promoted",
    record: () => recorded(6, 1, MINUTE_MS, { step: 4, plan: TIMED, state: "promoted" }),
    says: /promoted, step 4\/4, at 100%/,
  },
  {
    name: "aborted",
    record: () => recorded(7, 0, MINUTE_MS, { step: 2, plan: TIMED, state: "aborted", reason: "INC-42" }),
    says: /aborted, step 2\/4, at 0%/,
  },
  {
    name: MARKUP,
    record: () => ({
      ...recorded(8, 0.05, MINUTE_MS, {
        ...{ step: 2, plan: TIMED, state: "paused" },
        of: `</h1><script>hacked=1</script>\u202e${"w".repeat(60)}`,
        reason: `<svg onload=hacked=1>${"w".repeat(200)}`,
      }),
      updatedBy: `<b onclick=hacked=1>ada</b>`,
      why: `"><iframe srcdoc="<script>parent.hacked=1</script>">`,
    }),
    says: /<script>hacked=1<\/script>/,
  },
  { name: LONG_NAME, record: () => ({ rollout: 0.05 }), says: /^no release$/ },
];

/** Outcomes of these applications are heard. Some visitors of `sign` are at the wrong version. */
const HEARD = ["running", "evidence", "sign"];

export class Site {
  readonly home: DaemonHome;
  readonly daemon: DaemonProcess;

  private constructor(home: DaemonHome, daemon: DaemonProcess) {
    this.home = home;
    this.daemon = daemon;
  }

  static async start(): Promise<Site> {
    const [first, ...others] = STATES.map(({ name }) => name);
    const port = await freePort();
    const flags: string[] = others.flatMap((name) => ["-application", name]);
    flags.push("-releases", "on", "-outcomes", `127.0.0.1:${port}`, "-name", "web-1");
    const home = new DaemonHome({ application: first ?? "", flags });
    flags.push(...tokenFlags(home));
    home.replace(
      JSON.stringify(Object.fromEntries(STATES.map(({ name, record }) => [name, { canary: record() }]))),
    );
    const site = new Site(home, await home.start());
    await report(port);
    return site;
  }

  /** The address of an application's page. */
  url(application: string): string {
    return `${this.daemon.adminUrl}?application=${encodeURIComponent(application)}`;
  }

  async stop(): Promise<void> {
    await this.daemon.end("SIGKILL");
    this.home.remove();
  }
}

/** The flags with which operators can log in with `TOKEN`. */
export function tokenFlags({ directory }: DaemonHome): string[] {
  const path = join(directory, "token");
  writeFileSync(path, TOKEN, { mode: 0o600 });
  return ["-admin-token-file", path];
}

/** Reports some hundred outcomes, a twentieth of them of the canary's visitors. */
async function report(port: number): Promise<void> {
  const udp = createSocket("udp4");
  for (let n = 0; n < 400; n++) {
    const isCanary = n % 20 === 0;
    const assignment = isCanary ? OFFSET + n / 10_000 : (0.31 + n / 450) % 1.2;
    const visitor = `${isCanary ? "canary" : "master"} ${(assignment % 1).toFixed(4)} ${n % 50 === 9 ? 500 : 200}`;
    for (const application of HEARD) {
      const told = application === "sign" && n % 40 === 7 ? visitor.replace("master", "canary") : visitor;
      udp.send(`${application} ${told} 0.010 1 source=10.${n >> 8}.${n & 255}.1`, port, "127.0.0.1");
    }
  }
  await new Promise<void>((resolve) => udp.send("", port, "127.0.0.1", () => udp.close(resolve)));
}
