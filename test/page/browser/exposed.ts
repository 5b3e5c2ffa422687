/** The page of a daemon whose admin listener other machines can reach. */

import { visit } from "../../support/browser.ts";
import { DaemonHome } from "../../support/daemon-process.ts";
import { freePort } from "../../support/port.ts";
import type { Case, WebsiteRig } from "./rig.ts";
import { expectUsable } from "./showing.ts";
import { TOKEN, tokenFlags } from "./site.ts";

/** The news before the login. */
const CLOSED = /status of 40[13] .*\/events/;

async function exposed(hasToken: boolean, use: (url: string) => Promise<void>): Promise<void> {
  const port = await freePort();
  const flags = ["-admin", `0.0.0.0:${port}`];
  const home = new DaemonHome({ flags });
  if (hasToken) flags.push(...tokenFlags(home));
  const daemon = await home.start();
  try {
    await use(`http://127.0.0.1:${port}/`);
  } finally {
    await daemon.end("SIGKILL");
    home.remove();
  }
}

export const EXPOSED: readonly Case<WebsiteRig>[] = [
  {
    title: "shows nothing before the login, all after it, and nothing new after the logout",
    run: ({ browser }) =>
      exposed(true, (url) =>
        visit(
          browser,
          url,
          async (page) => {
            await page.getByText("The page is closed: log in to see the page").waitFor();
            await expectUsable(page, "closed");
            await page.getByLabel("Name").fill("ada");
            await page.getByLabel("Token").fill(TOKEN);
            await page.keyboard.press("Enter");
            await page.getByRole("heading", { name: "website", level: 1 }).waitFor();
            await page.getByText("live", { exact: true }).waitFor();
            await page.getByRole("button", { name: "Log out" }).click();
            await page.getByText("The page is closed: log in to see the page").waitFor();
            await page.getByRole("heading", { name: "website" }).waitFor({ state: "detached" });
          },
          { expected: CLOSED },
        ),
      ),
  },
  {
    title: "says how to open it if no operator can log in",
    run: ({ browser }) =>
      exposed(false, (url) =>
        visit(
          browser,
          url,
          async (page) => {
            await page.getByText(/start the daemon with -admin-token-file/).waitFor();
          },
          { expected: CLOSED },
        ),
      ),
  },
];
