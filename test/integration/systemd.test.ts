/**
 * The shipped units, checked by systemd's own tools, and the daemon on a socket that it gets the way systemd
 * passes one.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse as parseToml } from "smol-toml";
import { DEFAULT_CONFIG_FILE } from "../../src/config/config-file.ts";
import { allOptions } from "../../src/daemon/all-options.ts";
import { DaemonHome, DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { LineClient } from "../support/line.ts";
import { fillExample, installPage, nginxMissing, startNginx } from "../support/nginx.ts";
import { hasPython } from "../support/notify-socket.ts";
import { freePort } from "../support/port.ts";
import { SystemdRoot } from "../support/systemd-root.ts";
import { startUpstream } from "../support/upstream.ts";

const UNITS = join(import.meta.dir, "../../integrations/systemd");
const SERVICE = join(UNITS, "maxwells-daemon.service");
const SOCKET = join(UNITS, "maxwells-daemon.socket");
const SYSTEM_UNITS = "/usr/lib/systemd/system";

/** The highest score of `systemd-analyze security` that passes. 10 is a service without any protection. */
const EXPOSURE_MAX = 1.5;

const tools = ["systemd-analyze", "systemd-socket-activate", "systemd-sysusers"];
const absent = tools.filter((tool) => Bun.which(tool) === null);
const isMissing = absent.length > 0;
if (isMissing && process.env["CI"]) throw new Error(`not installed: ${absent.join(", ")}`);
if (isMissing) console.warn(`skipped: systemd: ${absent.join(", ")} not installed`);

/** The whole text of a tool, and its exit status. */
async function run(...command: string[]): Promise<{ status: number; text: string }> {
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { status: await child.exited, text: out + err };
}

describe.skipIf(isMissing)("the systemd units", () => {
  /** A system in which everything that the units name is installed. */
  let root: string;

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "maxwells-daemon-root-"));
    for (const directory of ["usr/bin", "bin", "etc/systemd/system"]) {
      mkdirSync(join(root, directory), { recursive: true });
    }
    for (const program of ["usr/bin/maxwells-daemon", "bin/kill"]) cpSync("/bin/true", join(root, program));
    for (const unit of readdirSync(SYSTEM_UNITS).filter((name) => name.endsWith(".target"))) {
      cpSync(join(SYSTEM_UNITS, unit), join(root, SYSTEM_UNITS, unit), { dereference: true });
    }
    for (const unit of [SERVICE, SOCKET])
      cpSync(unit, join(root, "etc/systemd/system", unit.slice(UNITS.length)));
  });

  afterAll(() => rmSync(root, { recursive: true, force: true }));

  test("pass systemd-analyze verify without a word", async () => {
    for (const unit of ["maxwells-daemon.service", "maxwells-daemon.socket"]) {
      expect(await run("systemd-analyze", `--root=${root}`, "verify", unit)).toEqual({ status: 0, text: "" });
    }
  });

  test("leave the daemon little to do harm with", async () => {
    const { text } = await run("systemd-analyze", "security", "--offline=true", "--no-pager", SERVICE);
    const exposure = Number(/Overall exposure level for maxwells-daemon\.service: ([\d.]+)/.exec(text)?.[1]);
    expect(exposure).toBeLessThanOrEqual(EXPOSURE_MAX);
  });

  test("name a user that sysusers makes", async () => {
    const { status } = await run(
      "systemd-sysusers",
      `--root=${root}`,
      join(UNITS, "maxwells-daemon.sysusers"),
    );
    expect(status).toBe(0);
    expect(readFileSync(join(root, "etc/passwd"), "utf8")).toMatch(/^maxwells-daemon:x?:/m);
    expect(readFileSync(SERVICE, "utf8")).toContain("User=maxwells-daemon\n");
  });

  test("give the daemon directories that proxies may enter, and no others to write to", () => {
    const service = readFileSync(SERVICE, "utf8");
    for (const kind of ["State", "Runtime"]) {
      expect(service).toContain(`\n${kind}Directory=maxwells-daemon\n${kind}DirectoryMode=0755\n`);
    }
    expect(service).toContain("\nProtectSystem=strict\n");
    expect(service).not.toMatch(/^ReadWritePaths=/m);
    expect(service).toContain("-state-dir /var/lib/maxwells-daemon ");
  });

  test("start the daemon with flags that it has, on the descriptor that the socket unit passes", () => {
    const service = readFileSync(SERVICE, "utf8").replaceAll("\\\n", " ");
    const command = /^ExecStart=(.*)$/m.exec(service)?.[1] ?? "";
    const names = new Set(allOptions().map((option) => option.name));
    const flags = [...command.matchAll(/ -([a-z-]+)/g)].map((match) => match[1] ?? "");
    expect(flags).toContain("config");
    expect(flags.filter((flag) => !names.has(flag))).toEqual([]);
    expect(command).toContain("-listen fd:3");
    // Commands read this file by themselves, so it is the one that the daemon reads.
    expect(command).toContain(`-config ${DEFAULT_CONFIG_FILE} `);
    // The two must not meet: the daemon replaces the file of its own socket.
    const own = /-socket (\S+)/.exec(command)?.[1];
    expect(readFileSync(SOCKET, "utf8")).not.toContain(`ListenStream=${own}\n`);

    const settings = parseToml(readFileSync(join(UNITS, "maxwells-daemon.toml"), "utf8"));
    expect(Object.keys(settings).filter((name) => !names.has(name))).toEqual([]);
  });

  test("watch the daemon, and limit its share of the machine", () => {
    const service = readFileSync(SERVICE, "utf8");
    for (const line of [
      "Type=notify",
      "NotifyAccess=main",
      "WatchdogSec=10s",
      "MemoryMax=512M",
      "TasksMax=512",
    ]) {
      expect(service).toContain(`\n${line}\n`);
    }
    expect(service).toContain("\nExecReload=/bin/kill -HUP $MAINPID\n");
    const [dropIn = ""] = readFileSync(join(UNITS, "haproxy.conf"), "utf8").match(/^[^#\n].*\n.*$/m) ?? [];
    expect(dropIn).toBe("[Service]\nSupplementaryGroups=haproxy");
  });

  test("pass systemd-analyze verify with the drop-in of a spare, as the page of upgrading installs it", async () => {
    const page = readFileSync(join(import.meta.dir, "../../docs/upgrading.md"), "utf8");
    const [, commands = ""] = /## 2b\.[\s\S]*?```sh\n([\s\S]*?)```/.exec(page) ?? [];
    expect(commands).toContain("spare.conf");
    const script = commands.replaceAll(/ \/(etc|run)\//g, ' "$ROOT"/$1/');
    const prelude = `set -e; sudo() { "$@"; }; systemctl() { echo "$*"; }; cd "${join(UNITS, "../..")}"\n`;
    const installed = Bun.spawnSync(["bash", "-c", prelude + script], {
      env: { PATH: process.env["PATH"], ROOT: root },
    });
    expect([String(installed.stderr), String(installed.stdout)]).toEqual([
      "",
      "daemon-reload\nstart maxwells-daemon-spare\nrestart maxwells-daemon\nstop maxwells-daemon-spare\n",
    ]);
    const verified = await run(
      "systemd-analyze",
      `--root=${root}`,
      "verify",
      "maxwells-daemon-spare.service",
    );
    expect(verified).toEqual({ status: 0, text: "" });
  });

  test("pass systemd-analyze verify with the drop-in for HAProxy", async () => {
    const directory = join(root, "etc/systemd/system/maxwells-daemon.service.d");
    mkdirSync(directory, { recursive: true });
    cpSync(join(UNITS, "haproxy.conf"), join(directory, "haproxy.conf"));
    const verified = await run("systemd-analyze", `--root=${root}`, "verify", "maxwells-daemon.service");
    expect(verified).toEqual({ status: 0, text: "" });
  });

  test("a daemon that was passed a socket answers on it, and leaves it in place when it ends", async () => {
    const home = new DaemonHome({ flags: ["-listen", "fd:3"] });
    const path = join(home.directory, "passed.sock");
    // Becomes the daemon when a client connects, like a socket unit starts its service.
    const child = Bun.spawn(["systemd-socket-activate", "-l", path, "--", ...home.command], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    try {
      while (!existsSync(path) && child.exitCode === null) await Bun.sleep(5);
      const client = await LineClient.connect({ path });
      const daemon = await DaemonProcess.of(child);
      expect(await client.ask("0.1")).toEqual({ assignment: "0.1", location: "canary" });
      expect(await client.ask("0.9")).toEqual({ assignment: "0.9", location: "master" });
      // Named by the path, so commands find it.
      const names = (await daemon.state()).servers.map(({ name }) => name);
      expect(names).toEqual([`line unix:${home.socket}`, `line unix:${path}`]);
      const direct = await LineClient.connect({ path: home.socket });
      expect(await direct.ask("0.1")).toEqual({ assignment: "0.1", location: "canary" });
      client.close();
      direct.close();
      expect(await daemon.end("SIGTERM")).toBe(0);
      expect(existsSync(path)).toBe(true);
      expect(existsSync(home.socket)).toBe(false);
    } finally {
      child.kill("SIGKILL");
      await child.exited;
      home.remove();
    }
  }, 20_000);
});

describe.skipIf(isMissing || !hasPython || nginxMissing() !== undefined)(
  "the first steps, on a server",
  () => {
    let machine: SystemdRoot;
    const stops: (() => Promise<void> | void)[] = [];

    beforeAll(async () => {
      machine = new SystemdRoot();
      await machine.start();
      stops.push(() => machine.stop());
    });

    afterAll(async () => {
      for (const stop of stops.reverse()) await stop();
    });

    test("the page installs the units, and starts both", () => {
      expect(machine.told).toEqual([
        "systemctl daemon-reload",
        "systemctl enable --now maxwells-daemon.socket maxwells-daemon.service",
      ]);
      for (const name of ["service", "socket"]) {
        const path = machine.path(`etc/systemd/system/maxwells-daemon.${name}`);
        expect(readFileSync(path, "utf8")).toBe(readFileSync(join(UNITS, `maxwells-daemon.${name}`), "utf8"));
      }
    });

    test("commands need neither -config nor -socket: ask, set, status", async () => {
      expect((await machine.command("ask", "0.1")).stdout).toContain("master");
      const set = await machine.command("set", "canary", "25%");
      expect([set.stdout + set.stderr, set.status]).toEqual([expect.stringContaining("25% (0.25)"), 0]);
      await eventually(
        async () => (await machine.command("ask", "0.1")).stdout.includes("canary"),
        "it follows",
      );
      const status = await machine.command("status");
      expect([status.stderr, status.status]).toEqual(["", 0]);
      expect(status.stdout).toContain(machine.configFile);
      expect(status.stdout).toContain(`line unix:${machine.socket}`);
      const check = await machine.command("check");
      expect(check.stdout).toMatch(new RegExp(`^-config +${machine.configFile} +default$`, "m"));
    });

    test("doctor is green behind the shipped nginx, by the address alone", async () => {
      const port = await freePort();
      const directory = machine.directory;
      installPage(directory);
      for (const name of ["master", "canary"]) {
        const upstream = startUpstream(name, join(directory, `${name}.sock`));
        stops.push(() => upstream.stop());
      }
      const example = fillExample("lease", port, {
        daemon: machine.socket,
        master: join(directory, "master.sock"),
        canary: join(directory, "canary.sock"),
        maintenanceFile: machine.path("var/lib/maxwells-daemon/maintenance/website"),
        page: join(directory, "share"),
      });
      const nginx = await startNginx(directory, port, example);
      stops.push(() => nginx.stop());
      const doctor = await machine.command("doctor", "-url", `http://127.0.0.1:${port}/`);
      expect([doctor.status, doctor.stderr], doctor.stdout).toEqual([0, ""]);
      expect(doctor.stdout).toContain(machine.socket);
      expect(doctor.stdout).not.toContain("FAIL");
    }, 120_000);
  },
);
