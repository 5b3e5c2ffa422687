/** The parts of the cases: a browser, and a daemon with all states or one with a release to act on. */

import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import type { Release } from "../../../src/releases/release.ts";
import { releaseField } from "../../../src/releases/release-field.ts";
import { releaseOf } from "../../releases/world.ts";
import { openBrowser } from "../../support/browser.ts";
import { DaemonHome, type DaemonProcess } from "../../support/daemon-process.ts";
import { freePort } from "../../support/port.ts";
import { Site, tokenFlags } from "./site.ts";

export interface Case<Rig> {
  readonly title: string;
  readonly run: (rig: Rig) => Promise<void>;
}

/** The cases of a site look at it, and write one application of it. They run in a file of their own. */
export interface SiteRig {
  readonly browser: Browser;
  readonly site: Site;
}

/** Each case of a website begins with a release of its own. */
export interface WebsiteRig {
  readonly browser: Browser;
  readonly website: Website;
}

export async function startSite(): Promise<SiteRig> {
  const [browser, site] = await Promise.all([openBrowser(), Site.start()]);
  return { browser, site };
}

export async function startWebsite(): Promise<WebsiteRig> {
  const [browser, website] = await Promise.all([openBrowser(), Website.start()]);
  return { browser, website };
}

/** A daemon that leads no release, at an address that it keeps. Operators can log in. */
export class Website {
  readonly home: DaemonHome;
  readonly url: string;
  #daemon: DaemonProcess;

  private constructor(home: DaemonHome, url: string, daemon: DaemonProcess) {
    this.home = home;
    this.url = url;
    this.#daemon = daemon;
  }

  static async start(): Promise<Website> {
    const port = await freePort();
    const flags = ["-admin", `127.0.0.1:${port}`, "-unhealthy", "2s"];
    const home = new DaemonHome({ flags });
    flags.push(...tokenFlags(home));
    return new Website(home, `http://127.0.0.1:${port}/`, await home.start());
  }

  /** Writes a release in its second step of four, at 5 %, with these changes. */
  release(changes: Partial<Release> = {}): void {
    const release = releaseOf({ since: new Date().toISOString(), ...changes });
    const [rollout, offset] = release.wrote;
    this.home.write({ canary: { rollout, offset, release: releaseField(release) } });
  }

  get record(): Recorded {
    return (JSON.parse(readFileSync(this.home.storePath, "utf8")) as { website: { canary: Recorded } })
      .website.canary;
  }

  async kill(): Promise<void> {
    await this.#daemon.end("SIGKILL");
  }

  /** Starts the next one at the same address. */
  async startAgain(): Promise<void> {
    this.#daemon = await this.home.start();
  }

  async stop(): Promise<void> {
    await this.kill();
    this.home.remove();
  }
}

export interface Recorded {
  readonly rollout: number;
  readonly why?: string;
  readonly updatedBy?: string;
  readonly release: Pick<Release, "state" | "step" | "key">;
}
