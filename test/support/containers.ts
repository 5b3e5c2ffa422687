/**
 * Podman, in namespaces of its own. Its images and containers are in a temporary directory. All processes end
 * with these namespaces. The network is that of this machine.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import type { Ran } from "./machine.ts";

const START_MS_MAX = 60_000;

/** Why no container can run here; undefined if one can. In CI it has to. */
export function containersMissing(): string | undefined {
  const absent = ["podman", "crun", "unshare", "nsenter"].filter((tool) => Bun.which(tool) === null);
  const missing = [
    ...absent.map((tool) => `${tool} is not installed`),
    ...(process.getuid?.() === 0 ? [] : ["only root can make namespaces; run the tests as root"]),
  ];
  if (missing.length === 0) return undefined;
  if (process.env["CI"]) throw new Error(missing.join("; "));
  return missing.join("; ");
}

/** Podman takes no part in control groups, which other namespaces may have. It finds none of them. */
const BOOT = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /sys/fs/cgroup
# crun gives stdin's file to the container's user, and that is /dev/null. So it has to be another one.
mknod -m 666 /run/null-device c 1 3
mount --bind /run/null-device /dev/null
: > /run/ready
exec sleep infinity
`;

/** A container may not have more than this process, which may not be allowed more. */
const LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];

export class Containers {
  readonly #directory = mkdtempSync(join(tmpdir(), "containers-"));
  readonly #child: Bun.Subprocess;
  #pid = 0;

  private constructor() {
    const spaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    this.#child = Bun.spawn(["setpriv", "--pdeathsig", "KILL", "unshare", ...spaces, "bash", "-c", BOOT], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "inherit",
    });
  }

  static async start(): Promise<Containers> {
    const containers = new Containers();
    await eventually(
      () => {
        const shown = Bun.spawnSync(["ps", "-o", "pid=", "--ppid", String(containers.#child.pid)]);
        containers.#pid = Number(String(shown.stdout).trim().split("\n")[0]);
        return containers.#pid > 0 && containers.#inside(["test", "-e", "/run/ready"]).status === 0;
      },
      "the namespaces for containers are there",
      START_MS_MAX,
    );
    return containers;
  }

  /** Runs podman to its end. */
  try(...words: readonly string[]): Ran {
    const place = (name: string) => join(this.#directory, name);
    const places = ["--root", place("store"), "--runroot", place("run"), "--tmpdir", place("tmp")];
    const ways = ["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none"];
    return this.#inside(["podman", ...places, ...ways, "--runtime", "crun", ...words]);
  }

  /** The same; throws if it fails, and returns its output. */
  podman(...words: readonly string[]): string {
    const { status, stdout, stderr } = this.try(...words);
    if (status !== 0) throw new Error(`podman ${words.join(" ")} failed:\n${stdout}${stderr}`);
    return stdout.trim();
  }

  /** Starts a container in the background, with the network of this machine. */
  run(...words: readonly string[]): void {
    this.podman("run", "--detach", "--network", "host", "--cgroups", "disabled", ...LIMITS, ...words);
  }

  #inside(command: readonly string[]): Ran {
    const { stdout, stderr, exitCode } = Bun.spawnSync(
      ["nsenter", "-t", String(this.#pid), "-m", "-p", ...command],
      { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    );
    return { status: exitCode, stdout: String(stdout), stderr: String(stderr) };
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
