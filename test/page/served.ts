/** A daemon with a page, on which operators can log in, for tests without a browser. */

import { expect } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PageNews } from "../../src/page/news.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { KEY, releaseOf } from "../releases/world.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";

export const TOKEN = "0123456789abcdef0123";

/** Starting a daemon takes longer on a busy machine. */
export const START_MS = 30_000;

export class Served {
  readonly home: DaemonHome;
  readonly daemon: DaemonProcess;

  private constructor(home: DaemonHome, daemon: DaemonProcess) {
    this.home = home;
    this.daemon = daemon;
  }

  static async start(): Promise<Served> {
    const flags: string[] = [];
    const home = new DaemonHome({ flags, records: { canary: { rollout: 0.05 } } });
    flags.push("-admin-token-file", tokenIn(home));
    return new Served(home, await home.start());
  }

  async stop(): Promise<void> {
    await this.daemon.end();
    this.home.remove();
  }

  at(path: string): string {
    return `${this.daemon.adminUrl}${path}`;
  }

  post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(this.at(path), {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  /** The cookie of a new login. */
  async logIn(name = "ada"): Promise<string> {
    const reply = await this.post("/api/login", { name, token: TOKEN });
    expect(reply.status).toBe(204);
    const cookie = reply.headers.get("set-cookie") ?? "";
    expect(cookie).toStartWith(`maxwells-daemon-${new URL(this.at("/")).port}=`);
    expect(cookie).toMatch(/; Path=\/; Max-Age=28800; HttpOnly; SameSite=Strict$/);
    return cookie.split(";", 1)[0] ?? "";
  }

  /** Opens a page. */
  page(query = ""): Page {
    return new Page(this.at(`/events${query}`));
  }

  /** Writes a record with a release in its second step, at 5 %. */
  startRelease(): void {
    const release = releaseOf({ since: new Date().toISOString() });
    this.home.write({ canary: { rollout: 0.05, offset: 0.25, release: releaseField(release) } });
  }

  recorded() {
    return JSON.parse(readFileSync(this.home.storePath, "utf8")).website.canary;
  }
}

/** The path of a file with `TOKEN`. */
export function tokenIn({ directory }: DaemonHome): string {
  const path = join(directory, "token");
  writeFileSync(path, `${TOKEN}\n`, { mode: 0o600 });
  return path;
}

/** The body of a verb for the release of `startRelease`. */
export const act = (verb: string, key = KEY, step = 2) => ({
  ...{ verb, application: "website", version: "canary", key, step },
  reason: "INC-42",
});

/** The states that the stream has sent so far. */
class Page {
  readonly states: PageNews[] = [];
  readonly #ending = new AbortController();

  constructor(url: string) {
    void this.#read(url).catch(() => {});
  }

  get last(): PageNews | undefined {
    return this.states.at(-1);
  }

  close(): void {
    this.#ending.abort();
  }

  async #read(url: string): Promise<void> {
    const reply = await fetch(url, { signal: this.#ending.signal });
    expect(reply.headers.get("content-type")).toBe("text/event-stream");
    let text = "";
    for await (const bytes of reply.body ?? []) {
      text += Buffer.from(bytes).toString("utf8");
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        if (event.startsWith("data: ")) this.states.push(JSON.parse(event.slice(6)) as PageNews);
      }
    }
  }
}
