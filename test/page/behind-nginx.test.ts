/** The page behind a real nginx that logs people in, with no setting but those that the page of it names. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { type Nginx, nginxMissing, startNginx } from "../support/nginx.ts";
import { freePort } from "../support/port.ts";
import { START_MS } from "./served.ts";

const NEWS_MS_MAX = 20_000;

const missing = nginxMissing();
if (missing !== undefined) console.warn(`skipped: the page behind nginx: ${missing}`);

describe.skipIf(missing !== undefined)("behind nginx", () => {
  let home: DaemonHome;
  let daemon: DaemonProcess;
  let nginx: Nginx;

  beforeAll(async () => {
    home = new DaemonHome({ flags: ["-admin-user-header", "X-Forwarded-User", "-delay", "4s"] });
    daemon = await home.start();
    const port = await freePort();
    nginx = await startNginx(
      home.directory,
      port,
      `server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass ${daemon.adminUrl};
          proxy_set_header Host $http_host;
          proxy_set_header X-Forwarded-User ada;
        }
      }`,
    );
  }, START_MS);

  afterAll(async () => {
    await nginx?.stop();
    await daemon?.end();
    home?.remove();
  });

  test("the first state comes alone, and does not wait until nginx has some kilobytes of them", async () => {
    const reply = await fetch(`${nginx.url}/events`, { signal: AbortSignal.timeout(NEWS_MS_MAX) });
    let text = "";
    for await (const bytes of reply.body ?? []) {
      text += Buffer.from(bytes).toString("utf8");
      if (text.includes("data: ")) break;
    }
    expect(text.split("data: ")).toHaveLength(2);
  });

  test("the operator is the one that nginx names, and writes", async () => {
    const { host } = new URL(nginx.url);
    expect(await (await fetch(`${nginx.url}/api/me`)).json()).toMatchObject({ name: "ada", canWrite: true });
    const set = { verb: "set", application: "website", version: "canary", rollout: 0.2, expect: 0.25 };
    const reply = await fetch(`${nginx.url}/api/act`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Origin: `http://${host}` },
      body: JSON.stringify({ ...set, reason: "too many calls" }),
    });
    expect([reply.status, await reply.text()]).toEqual([200, expect.stringContaining("25% (0.25) → 20%")]);
    await daemon.follows("canary", 0.2, 0);
  });
});
