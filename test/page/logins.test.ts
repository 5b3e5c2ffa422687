/** Logins of operators, and readers who are not logged in. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DaemonHome } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/port.ts";
import { Served, START_MS, TOKEN, tokenIn } from "./served.ts";

let served: Served;

beforeAll(async () => {
  served = await Served.start();
}, START_MS);

afterAll(() => served.stop());

describe("a login", () => {
  test("a new login ends the one that the browser had, and the cookie of another port is not looked at", async () => {
    const first = await served.logIn();
    const again = await served.post("/api/login", { name: "grace", token: TOKEN }, { cookie: first });
    const second = (again.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
    const nameOf = async (cookie: string) =>
      (
        (await (await fetch(served.at("/api/me"), { headers: { cookie } })).json()) as {
          readonly name: unknown;
        }
      ).name;
    expect([await nameOf(first), await nameOf(second)]).toEqual([null, "grace"]);
    expect(await nameOf(second.replace(/^maxwells-daemon-\d+/, "maxwells-daemon-1"))).toBeNull();
    expect(await nameOf(`maxwells-daemon-1=x; ${second}`)).toBe("grace");
  });

  test("behind a proxy with TLS, the cookie is for TLS alone", async () => {
    const { host } = new URL(served.at("/"));
    const headers = { origin: `https://${host}` };
    const reply = await served.post("/api/login", { name: "ada", token: TOKEN }, headers);
    expect(reply.headers.get("set-cookie")).toEndWith("; HttpOnly; SameSite=Strict; Secure");
  });

  test("its author is in the log from the login on, and a wrong token is told without the name beside it", async () => {
    await served.logIn("grace");
    const isTold = () => /an operator has logged in to the page.*grace/.test(served.daemon.log);
    await eventually(isTold, "the line of the login");
    expect((await served.post("/api/login", { name: "hunter2", token: "a-wrong-token" })).status).toBe(403);
    await eventually(() => served.daemon.log.includes("a login to the page was refused"), "the line");
    expect(served.daemon.log).not.toMatch(/hunter2|a-wrong-token/);
    expect(served.daemon.log).not.toContain(TOKEN);
  });
});

test("a token is not guessed: after five wrong ones that client waits a minute, and others log in", async () => {
  const own = new DaemonHome({ flags: ["-admin-token-file", tokenIn(served.home)] });
  const other = await own.start();
  const attempt = async (token: string, headers: Readonly<Record<string, string>> = {}) => {
    const reply = await fetch(`${other.adminUrl}/api/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify({ name: "eve", token }),
    });
    return reply.status;
  };
  for (let n = 0; n < 5; n++) expect(await attempt(`guess-${n}`)).toBe(403);
  expect(await attempt(TOKEN)).toBe(429);
  // A client of a proxy on this machine.
  expect(await attempt(TOKEN, { "x-forwarded-for": "203.0.113.7" })).toBe(204);
  await other.end();
  own.remove();
});

test("a page that other machines can reach needs a login for its news, which end with the login", async () => {
  const port = await freePort();
  const flags = ["-admin", `0.0.0.0:${port}`, "-admin-token-file", tokenIn(served.home)];
  const own = new DaemonHome({ flags });
  const other = await own.start();
  const url = `http://127.0.0.1:${port}`;
  expect((await fetch(`${url}/events`)).status).toBe(401);
  expect((await fetch(`${url}/api/place?assignment=0.1`)).status).toBe(401);
  expect((await fetch(`${url}/page.js`)).status).toBe(200);
  const reply = await fetch(`${url}/api/login`, {
    ...{ method: "POST", headers: { "Content-Type": "application/json" } },
    body: JSON.stringify({ name: "ada", token: TOKEN }),
  });
  const cookie = (reply.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  const news = await fetch(`${url}/events`, { headers: { cookie } });
  const parts = news.body?.getReader();
  let heard = "";
  const hear = async () => {
    const part = await parts?.read();
    heard += Buffer.from(part?.value ?? []).toString("utf8");
    return part?.done;
  };
  while (!heard.includes("data: ")) await hear();
  await fetch(`${url}/api/logout`, {
    ...{ method: "POST", headers: { "Content-Type": "application/json", cookie }, body: "{}" },
  });
  while ((await hear()) === false);
  await other.end();
  own.remove();
});

test("without a usable token the page only shows, the log says why, and visitors are served", async () => {
  const path = join(served.home.directory, "open-token");
  writeFileSync(path, TOKEN);
  chmodSync(path, 0o644);
  const own = new DaemonHome({ flags: ["-admin-token-file", path] });
  const other = await own.start();
  expect(other.log).toContain("no operator can log in to the page");
  expect(await (await fetch(`${other.adminUrl}/api/me`)).json()).toEqual({
    ...{ name: null, canWrite: false, refusal: null },
  });
  expect(await own.ask("0.1")).toBe("canary");
  await other.end();
  own.remove();
});

test("a proxy names the operator in its header, if that is a name", async () => {
  const own = new DaemonHome({ flags: ["-admin-user-header", "X-Forwarded-User"] });
  const other = await own.start();
  const named = async (name: string) => {
    const reply = await fetch(`${other.adminUrl}/api/me`, { headers: { "X-Forwarded-User": name } });
    return ((await reply.json()) as { readonly name: string | null }).name;
  };
  expect(await named("ada@example.com")).toBe("ada@example.com");
  for (const wrong of ["", "<b>ada</b>", "a b", "x".repeat(65)]) expect(await named(wrong)).toBeNull();
  await other.end();
  own.remove();
});
