/** Pages of other sites, in the browser of an operator who is logged in. */

import { expect } from "bun:test";
import { KEY } from "../../releases/world.ts";
import { visit } from "../../support/browser.ts";
import { abort, logIn } from "./acting.ts";
import type { Case, Website, WebsiteRig } from "./rig.ts";

/** The browser reports the answers that it hides, and the requests that it or the daemon refuses. */
const REFUSED =
  /status of 40\d|ERR_FAILED|blocked by CORS|ERR_BLOCKED|X-Frame-Options|frame-ancestors|Refused to/;

const ABORT = {
  ...{ verb: "abort", application: "website", version: "canary", key: KEY, step: 2, reason: "a stranger" },
};

/** A form whose body is JSON, because of the way in which a form joins a name and its value. */
function formPage(to: string): string {
  const name = JSON.stringify({ ...ABORT, more: "" }).replace('""}', '"');
  return `<form method="post" enctype="text/plain" action="${to}"><input name='${name}' value='"}'>
    <button>win</button></form>`;
}

/** Writes by each way that a script of another origin has. */
function scriptOf(to: string): string {
  const body = JSON.stringify(JSON.stringify(ABORT));
  const ask = (options: string) =>
    `fetch("${to}", { method: "POST", credentials: "include", body: ${body}, ${options} }).catch(() => {})`;
  return `Promise.all([
    ${ask('mode: "no-cors"')},
    ${ask('mode: "no-cors", headers: { "Content-Type": "text/plain" }')},
    ${ask('headers: { "Content-Type": "application/json" }')},
  ])`;
}

/** Another origin, on the same address or on another name of this machine. */
async function onOrigin(
  website: Website,
  hostname: string,
  use: (origin: string, to: string) => Promise<void>,
): Promise<void> {
  const to = `${website.url}api/act`;
  const server = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0 },
    fetch: () => new Response(formPage(to), { headers: { "Content-Type": "text/html" } }),
  });
  try {
    await use(`http://${hostname}:${server.port}/`, to);
  } finally {
    await server.stop(true);
  }
}

export const STRANGERS: readonly Case<WebsiteRig>[] = ["127.0.0.1", "localhost"].map((hostname) => ({
  title: `a form, a script and a frame of another origin on ${hostname} write nothing`,
  run: ({ browser, website }) =>
    visit(
      browser,
      website.url,
      async (page) => {
        website.release();
        await logIn(page);
        await onOrigin(website, hostname, async (origin, to) => {
          const other = await page.context().newPage();
          await other.goto(origin);
          await other.evaluate(scriptOf(to));
          const framed = `const frame = document.createElement("iframe"); frame.src = "${website.url}";
            document.body.append(frame); new Promise((resolve) => { frame.onload = resolve; })`;
          await other.evaluate(framed);
          expect(await other.frames()[1]?.locator("#page").count()).toBe(0);
          const answered = other.waitForResponse(to);
          await other.getByRole("button", { name: "win" }).click();
          expect((await answered).status()).toBe(403);
          // Chromium hangs now and then if a page is closed while it goes to another one.
          await other.waitForURL(to);
        });
        expect(website.record).toMatchObject({ rollout: 0.05, release: { state: "running" } });
        // The operator's own page still can.
        await abort(page);
        await page
          .getByText(/aborted, step 2\/4/)
          .first()
          .waitFor();
      },
      { expected: REFUSED },
    ),
}));
