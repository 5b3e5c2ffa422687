/**
 * `npm run picture`: makes the picture of the page for the README, from the demo. It needs Debian's chromium.
 *
 *     bun scripts/picture.ts [FILE]
 *
 * An operator is logged in. The canary fails for one visitor in ten, and the judge is not sure yet.
 */

import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { BrowserContext } from "playwright-core";
import type { PageNews } from "../src/page/news.ts";

const ROOT = resolve(import.meta.dir, "..");

export const PICTURE = "docs/page.png";

/** Each reader of the README loads it. */
export const PICTURE_BYTES_MAX = 100_000;

/** The part of the page in the picture, and the picture's pixels for each of the page's. */
const VIEW = { width: 1_100, height: 1_000 } as const;
const SCALE = 0.7;

/** In pixels. */
export const SIZE = {
  width: Math.round(VIEW.width * SCALE),
  height: Math.round(VIEW.height * SCALE),
} as const;

/**
 * The moment: the judge counts in this step, these many visitors have met an error, and the evidence is not
 * enough yet.
 */
const HURT = 2;
const STEP = 2;

/** The demo says its addresses within this time. */
const START_MS_MAX = 30_000;

/** If the moment is missed, the demo is played again. */
const TRIES_MAX = 5;

/** Undefined if the release has ended before the moment came. */
async function pictureOfDemo(): Promise<Buffer | undefined> {
  const demo = Bun.spawn([join(ROOT, "bin/maxwells-daemon"), "demo"], {
    ...{ stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  });
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({
    executablePath: Bun.which("chromium") ?? "chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  try {
    const { address, token } = await begun(demo.stdout);
    const context = await browser.newContext({ viewport: VIEW, deviceScaleFactor: SCALE });
    await logIn(context, address, token);
    const page = await context.newPage();
    await page.goto(address);
    if (!(await isMoment(address))) return undefined;
    return await page.screenshot({ type: "png" });
  } finally {
    await browser.close();
    demo.kill("SIGINT");
    await demo.exited;
  }
}

/** Reads what the demo says until it has said the address of the page. */
async function begun(
  stdout: ReadableStream<Uint8Array>,
): Promise<{ readonly address: string; readonly token: string }> {
  let said = "";
  const reader = stdout.getReader();
  const deadline = setTimeout(() => void reader.cancel(), START_MS_MAX);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      said += Buffer.from(value ?? []).toString("utf8");
      const [, address, token] = /live +(http:\S+) .* token (\S+)\n/.exec(said) ?? [];
      if (address !== undefined && token !== undefined) return { address, token };
      if (done) throw new Error(`the demo did not begin: ${said}`);
    }
  } finally {
    clearTimeout(deadline);
  }
}

/** The same as the form of the page, which may look different one day. */
async function logIn(context: BrowserContext, address: string, token: string): Promise<void> {
  const reply = await context.request.post(`${address}api/login`, {
    headers: { Origin: address.replace(/\/$/, "") },
    data: { name: "ada", token },
  });
  if (!reply.ok()) throw new Error(`the login has failed: ${reply.status()}`);
}

/** Waits for the moment by the news that the page gets, too; false if it has not come. */
async function isMoment(address: string): Promise<boolean> {
  const reply = await fetch(`${address}events`);
  let text = "";
  for await (const bytes of reply.body ?? []) {
    const events = (text + Buffer.from(bytes).toString("utf8")).split("\n\n");
    text = events.pop() ?? "";
    for (const event of events.filter((each) => each.startsWith("data: "))) {
      const [release] = (JSON.parse(event.slice(6)) as PageNews).application?.releases ?? [];
      if (release?.isOver === true) return false;
      if (release?.step !== STEP || !release.judged?.outcomes) continue;
      const errors = release.judged.metrics.find(({ name }) => name === "errors");
      if ((errors?.canary ?? 0) >= HURT && (release.judged.harm ?? 1) < 1) return true;
    }
  }
  return false;
}

async function main(path: string): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const picture = await pictureOfDemo();
    if (picture === undefined) continue;
    if (picture.length > PICTURE_BYTES_MAX) {
      throw new Error(`the picture has ${picture.length} bytes, and may have ${PICTURE_BYTES_MAX}`);
    }
    writeFileSync(path, picture);
    console.log(`${path}: ${picture.length} bytes`);
    return;
  }
  throw new Error(`the moment of the picture was missed ${TRIES_MAX} times; try again`);
}

if (import.meta.main) await main(process.argv[2] ?? join(ROOT, PICTURE));
