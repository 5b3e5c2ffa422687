/**
 * A machine with systemd as its process 1, to install packages on. It is this machine's own Debian, in
 * namespaces: each change goes to memory, and is gone with the machine. It has processes, mounts and control
 * groups of its own, but this machine's network. None of this machine's services run there.
 */

import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";

/** Why there can be no such machine here; undefined if there can. In CI there has to be one. */
export function machineMissing(): string | undefined {
  const absent = ["unshare", "nsenter", "dpkg"].filter((tool) => Bun.which(tool) === null);
  const missing = [
    ...absent.map((tool) => `${tool} is not installed`),
    ...(Bun.file("/lib/systemd/systemd").size > 0 ? [] : ["systemd is not installed"]),
    ...(process.getuid?.() === 0 ? [] : ["only root can make namespaces; run the tests as root"]),
  ];
  if (missing.length === 0) return undefined;
  if (process.env["CI"]) throw new Error(missing.join("; "));
  return missing.join("; ");
}

/** Makes the root directory in the new namespaces, and becomes systemd. $1 is a directory for all of it. */
const BOOT = `
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$1/memory"
mkdir "$1/memory/upper" "$1/memory/work" "$1/memory/root"
root=$1/memory/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/memory/upper,workdir=$1/memory/work" "$root"
# This machine may have files of the program. The other one begins without them.
find "$root/etc" "$root/usr" "$root/var" -xdev -name "*maxwells-daemon*" -prune -exec rm -rf {} +
mount --bind "$1/run" "$root/run"
mount --bind "$1/share" "$root/mnt"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
if grep -q cgroup2 /proc/filesystems && [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
  mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
  mkdir "$root/sys/fs/cgroup/systemd"
  mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
fi
mount -t tmpfs tmpfs "$root/dev"
mkdir "$root/dev/shm" "$root/dev/pts"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
# None of this machine's services, and of systemd's own only the journal.
mount -t tmpfs tmpfs "$root/etc/systemd/system"
for wants in sysinit local-fs timers; do
  [ ! -d "$root/usr/lib/systemd/system/$wants.target.wants" ] ||
    mount -t tmpfs tmpfs "$root/usr/lib/systemd/system/$wants.target.wants"
done
ln -s ../systemd-journald.service "$root/usr/lib/systemd/system/sysinit.target.wants/"
: > "$root/etc/fstab"
mkdir "$root/tmp/before"
cd "$root"
pivot_root . tmp/before
umount -l /tmp/before
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
  /lib/systemd/systemd --unit=basic.target --log-target=journal --show-status=no
`;

/** systemd needs seconds for it on a busy machine. */
const START_MS_MAX = 60_000;

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Machine {
  /** `/run` and `/mnt` of the machine are `run` and `share` in it. */
  readonly directory = mkdtempSync(join(tmpdir(), "machine-"));
  readonly #child: Bun.Subprocess;
  #pid = 0;

  private constructor() {
    chmodSync(this.directory, 0o755);
    for (const name of ["memory", "run", "share"]) mkdirSync(join(this.directory, name));
    const spaces = ["--pid", "--mount", "--uts", "--ipc", "--cgroup"];
    this.#child = Bun.spawn(
      [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "unshare",
        "--fork",
        "--kill-child",
        ...spaces,
        "bash",
        "-c",
        BOOT,
        "bash",
        this.directory,
      ],
      { stdin: "ignore", stdout: "ignore", stderr: "inherit" },
    );
  }

  /** Resolves when systemd has started. */
  static async start(): Promise<Machine> {
    const machine = new Machine();
    await eventually(
      () => {
        machine.#pid = machine.#findPid();
        return machine.#pid > 0 && machine.try("systemctl", "is-active", "basic.target").status === 0;
      },
      "systemd has started",
      START_MS_MAX,
    );
    return machine;
  }

  get run(): string {
    return join(this.directory, "run");
  }

  get share(): string {
    return join(this.directory, "share");
  }

  /** The child of `unshare` is process 1 of the machine. */
  #findPid(): number {
    const shown = Bun.spawnSync(["ps", "-o", "pid=", "--ppid", String(this.#child.pid)]);
    return Number(String(shown.stdout).trim().split("\n")[0]);
  }

  /** Runs a command on the machine as root. */
  try(...command: readonly string[]): Ran {
    const { stdout, stderr, exitCode } = Bun.spawnSync(this.#inside(command), {
      env: ENVIRONMENT,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    return { status: exitCode, stdout: String(stdout), stderr: String(stderr) };
  }

  /** The same beside this process; throws if the command fails, and resolves with its output. */
  async command(...command: readonly string[]): Promise<string> {
    const child = Bun.spawn(this.#inside(command), {
      env: ENVIRONMENT,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    if ((await child.exited) === 0) return `${stdout}${stderr}`;
    const journal = this.try("journalctl", "--no-pager", "-n", "30").stdout;
    throw new Error(`${command.join(" ")} failed:\n${stdout}${stderr}\n${journal}`);
  }

  #inside(command: readonly string[]): string[] {
    const spaces = ["-m", "-p", "-u", "-i", "-C", "-r", "-w"];
    return ["nsenter", "-t", String(this.#pid), ...spaces, ...command];
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const ENVIRONMENT = {
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C.UTF-8",
  DEBIAN_FRONTEND: "noninteractive",
};
