/** The commands find the socket of a daemon of any version, and no answer makes them throw. */

import { expect, test } from "bun:test";
import { daemonSocket } from "../../src/cli/daemon-socket.ts";
import { LineServer, socket } from "../../src/servers/line.ts";
import { createCore } from "../support/core.ts";
import { serve } from "../support/listeners-page.ts";
import { settingsOf } from "../support/settings.ts";
import { run, temporaryDirectory } from "./run.ts";

const PAGE = { pid: 7, applications: ["website"] };

function flagsFor({ host, port }: { readonly host: string; readonly port: number }) {
  return ["-admin", `${host}:${port}`] as const;
}

/** The socket that the commands ask if a program sends this page. */
async function found(page: unknown) {
  await using at = serve(JSON.stringify(page));
  return await daemonSocket(settingsOf(), at.address);
}

const DEFAULT = settingsOf().get(socket);

test("a daemon of version 3.0 names its socket by its listeners", async () => {
  const listeners = ["http tcp:127.0.0.1:6294", "line unix:/run/x/d.sock", "admin 127.0.0.1:6293"];
  expect(await found({ ...PAGE, listeners })).toEqual({ kind: "unix", path: "/run/x/d.sock" });
});

test("a daemon that describes its servers names its socket by their fields", async () => {
  const servers = [{ protocol: "line", address: { kind: "unix", path: "/run/y/d.sock" } }];
  expect(await found({ ...PAGE, listeners: [], servers })).toEqual({ kind: "unix", path: "/run/y/d.sock" });
});

test.each([
  [null],
  [[]],
  [{ ...PAGE, listeners: [], servers: [{ protocol: "line" }] }],
  [{ ...PAGE, listeners: [], servers: [{ protocol: "line", address: { kind: "unix", path: 7 } }] }],
  [{ ...PAGE, listeners: [], servers: [null] }],
  [{ ...PAGE, listeners: [], servers: "none" }],
  [{ ...PAGE, listeners: [7] }],
])("the default socket counts if the page is %j", async (page) => {
  expect(await found(page)).toEqual(DEFAULT);
});

test("ask reaches a daemon of version 3.0 at a socket that no flag names", async () => {
  using directory = temporaryDirectory();
  const core = createCore({ applications: ["website"] });
  core.apply("website", { rollout: 1 });
  const path = directory.path("d.sock");
  const address = { kind: "unix", path } as const;
  const server = new LineServer(core, { address, socketMode: 0o600, idleTimeoutMs: 1_000 });
  await server.start();
  await using at = serve(JSON.stringify({ ...PAGE, listeners: [`line unix:${path}`] }));
  expect((await run(["ask", "0.5", ...flagsFor(at.address)])).stdout).toContain("canary");
  await server.close();
});

test("ask and doctor end with a message if a server on the page has no address", async () => {
  await using at = serve(JSON.stringify({ ...PAGE, listeners: [], servers: [{ protocol: "line" }] }));
  const flags = flagsFor(at.address);
  const asked = await run(["ask", "0.5", ...flags]);
  expect(asked.stderr).not.toContain("TypeError");
  const examined = await run(["doctor", "-o", "json", ...flags]);
  expect(examined.stderr).not.toContain("TypeError");
  expect(Object.keys(JSON.parse(examined.stdout))).toContain("checks");
}, 60_000);
