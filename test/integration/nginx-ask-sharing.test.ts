/**
 * nginx that asks for each request: the state that requests share with each other, and the state that they
 * must not share. Two daemons beside one nginx, visitors that wait side by side, and the parts of one visit.
 */

import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { fillExample, installPage, nginxMissing, startNginx } from "../support/nginx.ts";
import { freePort } from "../support/port.ts";
import { startStandIn } from "../support/stand-in.ts";
import { startUpstream } from "../support/upstream.ts";

const missing = nginxMissing();
if (missing !== undefined) console.warn(`skipped: nginx that asks: ${missing}`);

/** Less than the module's pause of a second after failures. */
const SOON_MS = 700;
const HICCUP_MS = 20;

/** The visitor's assignment in a question; empty for a new visitor. */
function assignmentOf(line: string): string {
  return line.split(" ")[0] ?? "";
}

describe.skipIf(missing !== undefined)("nginx that asks", () => {
  const ends: (() => unknown)[] = [];

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  function newDirectory(): string {
    const directory = mkdtempSync(join(tmpdir(), "nginx-ask-"));
    ends.push(() => rmSync(directory, { recursive: true, force: true }));
    return directory;
  }

  async function standIn(path: string, answer: Parameters<typeof startStandIn>[1]): Promise<void> {
    const running = await startStandIn(path, answer);
    ends.push(() => running.stop());
  }

  /** Starts the shipped example with more lines in its server. Returns its address. */
  async function startExample(
    directory: string,
    socket: string,
    more = "",
    allowForce = false,
  ): Promise<string> {
    const port = await freePort();
    installPage(directory);
    const [master, canary] = [join(directory, "master.sock"), join(directory, "canary.sock")];
    for (const upstream of [startUpstream("master", master), startUpstream("canary", canary)]) {
      ends.push(() => upstream.stop());
    }
    const maintenanceFile = join(directory, "maintenance");
    const places = {
      master,
      canary,
      daemon: socket,
      maintenanceFile,
      page: join(directory, "share"),
      allowForce,
    };
    const example = fillExample("ask", port, places).replace("location / {", () => `${more}\n location / {`);
    const nginx = await startNginx(directory, port, example);
    ends.push(() => nginx.stop());
    return nginx.url;
  }

  test("nginx asks each of two daemons on two sockets about its own application", async () => {
    const directory = newDirectory();
    const names = ["website", "shop"];
    const port = await freePort();
    for (const name of names) {
      await standIn(join(directory, name), (line) => `${assignmentOf(line)}\nof-${name}\n`);
    }
    const setups = names.map(
      (name) =>
        `ask.setup { socket = "${join(directory, name)}", application = "${name}", locations = { "of-website", "of-shop" } }`,
    );
    const nginx = await startNginx(
      directory,
      port,
      `init_by_lua_block { local ask = require "maxwells-daemon" ${setups.join("\n")} }
      server {
        listen 127.0.0.1:${port};
        location / {
          set $maxwells_location master;
          set $maxwells_assignment "";
          rewrite_by_lua_block { require("maxwells-daemon").route(ngx.var.arg_app) }
          content_by_lua_block { ngx.print(ngx.var.maxwells_location) }
        }
      }`,
    );
    ends.push(() => nginx.stop());
    const headers = { cookie: "maxwellsdaemon=0.1" };
    const wrong: string[] = [];
    for (let visit = 0; visit < 100; visit++) {
      const name = names[visit % 2];
      const location = await (await fetch(`${nginx.url}/?app=${name}`, { headers })).text();
      // A busy machine makes some answers too late.
      if (location !== `of-${name}` && location !== "master") wrong.push(`${name}: ${location}`);
    }
    expect(wrong).toEqual([]);
  });

  test("visitors that wait for the same hiccup are one failure: nginx asks for the next visitor", async () => {
    const directory = newDirectory();
    const socket = join(directory, "daemon.sock");
    let hiccups = false;
    await standIn(socket, (line, connection) => {
      const reply = `${assignmentOf(line)}\ncanary\n`;
      if (!hiccups) return reply;
      setTimeout(() => connection.write(reply), HICCUP_MS);
      return undefined;
    });
    const url = await startExample(directory, socket);
    const served = async () => {
      const response = await fetch(url, { headers: { cookie: "maxwellsdaemon=0.1" } });
      return ((await response.json()) as { name: string }).name;
    };
    await eventually(async () => (await served()) === "canary", "a canary");
    hiccups = true;
    const sideBySide = await Promise.all(Array.from({ length: 20 }, served));
    hiccups = false;
    expect(new Set(sideBySide)).toEqual(new Set(["master"]));
    await eventually(async () => (await served()) === "canary", "the canary again", SOON_MS);
  });

  test("the daemon gets a forced version only if nginx serves it", async () => {
    const directory = newDirectory();
    const socket = join(directory, "daemon.sock");
    const lines: string[] = [];
    await standIn(socket, (line) => {
      lines.push(line);
      return `${assignmentOf(line)}\ncanary\n`;
    });
    const url = await startExample(directory, socket, "", true);
    for (const word of ["always", "never", "canary", "master", "blue", "always never"]) {
      const headers = { cookie: "maxwellsdaemon=0.1", "maxwellsdaemon-force": word };
      expect((await fetch(url, { headers })).status).toBe(200);
    }
    const rest = lines.map((line) => line.replace("0.1 application=website", ""));
    expect(rest).toEqual([" force=always", " force=never", " force=canary", " force=master", "", ""]);
  });

  describe("a new visitor keeps one assignment", () => {
    /** An nginx whose daemon draws another number for each new visitor. */
    async function startDrawing(more: string): Promise<string> {
      const directory = newDirectory();
      const socket = join(directory, "daemon.sock");
      let drawn = 0;
      await standIn(socket, (line) => {
        const assignment = assignmentOf(line) || `0.1${String(drawn++).padStart(5, "0")}`;
        return `${assignment}\ncanary\n`;
      });
      return startExample(directory, socket, more);
    }

    /** The numbers in the cookies of a new visitor, and those that upstreams got. */
    async function visit(url: string, init: RequestInit = {}) {
      for (;;) {
        const response = await fetch(url, init);
        const text = await response.text();
        const told = [...text.matchAll(/"maxwellsdaemon":"([^"]*)"/g)].map(([, number]) => number);
        const given = response.headers.getSetCookie().map((cookie) => cookie.split(/[=;]/)[1]);
        // On a busy machine an answer may come too late.
        if (given.length > 0) return { told, given };
      }
    }

    test("through an internal redirect", async () => {
      const url = await startDrawing(
        'location = /gone { rewrite_by_lua_block { require("maxwells-daemon").route() } try_files /none /there; }',
      );
      for (let visitor = 0; visitor < 10; visitor++) {
        const { told, given } = await visit(`${url}/gone`);
        expect(given).toEqual(told);
      }
    });

    test("in all parts that nginx puts together", async () => {
      const url = await startDrawing(
        'proxy_set_header Accept-Encoding ""; ssi on; ssi_types application/json;',
      );
      for (let visitor = 0; visitor < 10; visitor++) {
        const body = "<!--#include virtual='/a' --><!--#include virtual='/b' -->";
        const { told, given } = await visit(url, { method: "POST", body });
        expect(given).toHaveLength(1);
        expect(told).toEqual([...given, ...given, ...given]);
      }
    });
  });
});
