/** A real Chromium without a window, and its visits to the page of a daemon. */

import { expect } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** The variable that names a directory for pictures of the page, for a person to look at. */
const PICTURES_VARIABLE = "MAXWELLS_TEST_PICTURES";

/** A wait ends before its test does. Bun would end the browser with the test, and so all later tests. */
const WAIT_MS_MAX = 15_000;

/** Why Chromium cannot run here, or undefined if it can. In CI it has to run, so it fails there. */
export function chromiumMissing(): string | undefined {
  if (Bun.which("chromium") !== null) return undefined;
  const message = "chromium is not installed; apt-get install chromium";
  if (process.env["CI"]) throw new Error(message);
  return message;
}

/** One browser serves all tests of a file. Each visit has a profile of its own. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: Bun.which("chromium") ?? "chromium",
    // Tests may run as root, and a container may have little shared memory.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

export interface VisitOptions extends BrowserContextOptions {
  /** Faults that the test makes on purpose, such as requests while the daemon is gone. */
  readonly expected?: RegExp;
  /** Code that the browser runs before the page's own. */
  readonly script?: string;
}

/**
 * Opens an address, and closes it after `look`. Fails if the browser complains: of code that throws, of a
 * request that fails, or of a part of the page that its `Content-Security-Policy` forbids.
 */
export async function visit<Result>(
  browser: Browser,
  url: string,
  look: (page: Page) => Promise<Result>,
  { expected, script = "", ...options }: VisitOptions = {},
): Promise<Result> {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS_MAX);
    const faults = faultsOf(page);
    await page.addInitScript(`${TELL_VIOLATIONS}\n${script}`);
    await page.goto(url);
    const result = await look(page);
    expect(faults.filter((fault) => expected?.test(fault) !== true)).toEqual([]);
    return result;
  } finally {
    await context.close();
  }
}

const TELL_VIOLATIONS = `addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  console.error("the policy forbids " + violatedDirective + " " + blockedURI));`;

/** All that the browser complains of, from now on. */
function faultsOf(page: Page): readonly string[] {
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  return faults;
}

/** Takes a picture of the whole page, if a person wants pictures. */
export async function picture(page: Page, name: string): Promise<void> {
  const directory = process.env[PICTURES_VARIABLE];
  if (directory === undefined) return;
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true });
}
