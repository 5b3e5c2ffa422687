/** `check -deep`: what it opens, against real daemons, programs and files. */

import { afterEach, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { State } from "../../../../src/admin/state.ts";
import { checkListener } from "../../../../src/cli/commands/check/listeners.ts";
import { createDaemon } from "../../../../src/daemon/daemon.ts";
import { silentLog } from "../../../../src/log/log.ts";
import { freePort } from "../../../support/port.ts";
import { settingsOf } from "../../../support/settings.ts";
import { stateOf } from "../../../support/state.ts";
import { run, temporaryDirectory } from "../../run.ts";

const releases: (() => unknown)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

interface Finding {
  readonly level: string;
  readonly setting: string;
  readonly text: string;
}

async function check(...flags: string[]): Promise<{ status: number; findings: Finding[] }> {
  const { status, stdout } = await run(["check", "-deep", "-o", "json", ...flags]);
  return { status, findings: (JSON.parse(stdout) as { findings: Finding[] }).findings };
}

/** Flags of a set-up in which everything is well, in a directory of its own. */
async function wellFlags(records: unknown = { app: { canary: 0.25 } }) {
  const directory = temporaryDirectory();
  releases.push(() => directory[Symbol.dispose]());
  writeFileSync(directory.path("rollouts.json"), JSON.stringify(records));
  const port = await freePort();
  const admin = await freePort();
  return {
    directory,
    port,
    flags: [
      ...["-store", `file:${directory.path("rollouts.json")}`, "-socket", directory.path("d.sock")],
      ...["-state-dir", directory.path("state"), "-logfile", directory.path("log"), "-statsd", "none"],
      ...["-http", `127.0.0.1:${port}`, "-admin", `127.0.0.1:${admin}`],
    ],
  };
}

function of(findings: readonly Finding[], setting: RegExp): Finding {
  const found = findings.find((finding) => setting.test(finding.setting));
  if (found === undefined) throw new Error(`nothing of ${setting} in ${JSON.stringify(findings)}`);
  return found;
}

test("a set-up that is well has nothing but ok, ends with 0, and nothing is made", async () => {
  const { directory, flags } = await wellFlags();
  const { status, findings } = await check(...flags);
  expect(findings.filter(({ level }) => level !== "ok")).toEqual([]);
  expect(findings.map(({ setting }) => setting.split(" ")[0]).sort()).toEqual(
    ["-admin", "-logfile", "-state-dir", "-store", "http", "line"].sort(),
  );
  expect(status).toBe(0);
  expect(readdirSync(directory.path("."))).toEqual(["rollouts.json"]);
});

test("what a daemon of ours holds is well, and that daemon goes on", async () => {
  const { flags } = await wellFlags();
  const daemon = await createDaemon(settingsOf(...flags, "-logfile", "none"), silentLog);
  releases.push(() => daemon.close());
  await daemon.start();
  const { status, findings } = await check(...flags);
  expect(findings.filter(({ level }) => level !== "ok")).toEqual([]);
  expect(status).toBe(0);
  for (const setting of [/^line/, /^http/, /^-admin/]) {
    expect(of(findings, setting).text).toContain("is held by a daemon of this program");
  }
  expect((await stateOf(daemon)).ready).toBe(true);
  expect((await run(["ask", "0.1", ...flags.slice(2, 4)])).stdout).toContain("canary");
});

test("a daemon of version 3.0, which has only names for its servers, holds its listeners too", async () => {
  const foreign = createServer();
  const port = await freePort();
  await new Promise<void>((done) => foreign.listen(port, "127.0.0.1", done));
  releases.push(() => foreign.close());
  const older = { servers: [{ name: `http tcp:127.0.0.1:${port}` }] } as unknown as State;
  const address = { kind: "tcp", host: "127.0.0.1", port } as const;
  const levels = async (kind: string) =>
    (await checkListener(kind, address, older)).map(({ level }) => level);
  expect(await levels("http")).toEqual(["ok"]);
  expect(await levels("spop")).toEqual(["problem"]);
});

test("all problems come at once, with 1", async () => {
  const { directory, port, flags } = await wellFlags();
  const stranger = createServer((peer) => peer.end("no daemon\n"));
  await new Promise<void>((done) => stranger.listen(port, "127.0.0.1", done));
  releases.push(() => stranger.close());
  writeFileSync(directory.path("file"), "");
  const { status, findings } = await check(
    ...flags,
    ...["-store", "file:/nowhere/rollouts.json", "-socket", directory.path("file")],
    ...["-logfile", directory.path("file/log"), "-state-dir", directory.path("file/state")],
    ...["-apache-map", "/nowhere/apache.map", "-haproxy-map", "/nowhere/haproxy.sock"],
  );
  expect(status).toBe(1);
  expect(findings.map(({ level, setting }) => `${level} ${setting.split(" ")[0]}`).sort()).toEqual([
    "ok -admin",
    "problem -apache-map",
    "problem -logfile",
    "problem -state-dir",
    "problem -store",
    "problem http",
    "problem line",
    "warning -haproxy-map",
  ]);
  expect(of(findings, /^http/).text).toContain("another program listens there");
  expect(of(findings, /^line/).text).toContain("is not a socket");
});

test.each<[string, string, string]>([
  ["has no export", "", "has no default export that makes a store"],
  ["does not load", "throw new Error('broken')", "cannot be loaded"],
])("a module that %s is a problem", async (_, code, text) => {
  const { directory, flags } = await wellFlags();
  writeFileSync(directory.path("store.ts"), code);
  const { status, findings } = await check(...flags, "-store", directory.path("store.ts"));
  expect(status).toBe(1);
  expect(of(findings, /^-store/)).toMatchObject({ level: "problem", text: expect.stringContaining(text) });
});

test("a secret of notices that cannot be read is a problem, if the daemon leads releases", async () => {
  const { directory, flags } = await wellFlags();
  const secret = directory.path("secret");
  const notices = [...flags, "-notify", "https://h/x", "-notify-secret", `file:${secret}`];
  const missing = await check(...notices, "-releases", "on");
  expect(missing.status).toBe(1);
  expect(of(missing.findings, /^-notify-secret/)).toMatchObject({
    ...{ level: "problem", text: expect.stringContaining(`let this user read ${secret}`) },
  });
  expect((await check(...notices)).findings.some(({ setting }) => setting === "-notify-secret")).toBe(false);
  writeFileSync(secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
  const { findings } = await check(...notices, "-releases", "on");
  expect(of(findings, /^-notify-secret/)).toMatchObject({ level: "ok", text: "one secret can be read" });
});

test("a token of operators that cannot be used is a warning with its remedy", async () => {
  const { directory, flags } = await wellFlags();
  const path = directory.path("token");
  writeFileSync(path, "0123456789abcdef0123", { mode: 0o644 });
  const open = await check(...flags, "-admin-token-file", path);
  expect([open.status, of(open.findings, /^-admin-token-file/)]).toMatchObject([
    0,
    { level: "warning", text: expect.stringContaining(`run chmod o-r ${path}`) },
  ]);
  chmodSync(path, 0o600);
  const { findings } = await check(...flags, "-admin-token-file", path);
  expect(of(findings, /^-admin-token-file/)).toMatchObject({ level: "ok", text: "the token can be read" });
});

test("an application without records is a warning, and so is a default that cannot be had", async () => {
  const { flags } = await wellFlags();
  const { status, findings } = await check(...flags, "-application", "websiet");
  expect(status).toBe(0);
  expect(of(findings, /^-store/)).toMatchObject({
    level: "warning",
    text: expect.stringContaining("has no record of websiet: all visitors go to master"),
  });
});

test("a socket at which another program listens is a problem, and one that is left over is none", async () => {
  const { directory, flags } = await wellFlags();
  const path = directory.path("d.sock");
  const stranger = Bun.listen({
    unix: path,
    socket: { data: (peer) => void peer.end("hello, who are you?\n") },
  });
  const taken = await check(...flags);
  expect([taken.status, of(taken.findings, /^line/).level]).toEqual([1, "problem"]);
  stranger.stop(true);
  const script = `import net, { createServer } from "node:net"; createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  Bun.spawnSync([process.execPath, "-e", script, path]);
  if (!existsSync(path)) throw new Error("no socket was left over");
  const left = await check(...flags);
  expect(of(left.findings, /^line/).text).toContain("is left over from a daemon that ended");
  expect(left.status).toBe(0);
});

test("without -deep nothing is opened", async () => {
  const { status, stdout } = await run(["check", "-store", "file:/nowhere/x.json", "-o", "json"]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).not.toHaveProperty("findings");
});

test("a daemon that is to lead releases may write the store, or there is a warning", async () => {
  const { directory, flags } = await wellFlags();
  const well = await check(...flags, "-releases", "on");
  expect(of(well.findings, /^-releases$/)).toMatchObject({
    level: "ok",
    text: expect.stringContaining("may write"),
  });
  const readOnly = await check(...flags, "-releases", "on", "-store", "constant:0.25");
  expect(readOnly.status).toBe(0);
  expect(of(readOnly.findings, /^-releases$/)).toMatchObject({
    level: "warning",
    text: expect.stringContaining("can advance no release"),
  });
  writeFileSync(directory.path("rollouts.json"), "{}");
  const empty = await check(...flags, "-releases", "on");
  expect(of(empty.findings, /^-releases$/).text).toContain("app has no record");
});
