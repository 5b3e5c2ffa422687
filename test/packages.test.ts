/**
 * The packages, on a machine with systemd: a first installation, an upgrade under load, a mistake in the
 * settings, and a purge.
 */

import "./support/long.ts";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { sourceDate } from "../scripts/package/source-date.ts";
import { entriesOf, packageOf } from "../scripts/package.ts";
import { COMMANDS } from "../src/cli/list.ts";
import { faultsInBill } from "./support/cyclonedx.ts";
import { LineClient } from "./support/line.ts";
import { Machine, machineMissing } from "./support/machine.ts";
import { nginxMissing } from "./support/nginx.ts";
import { packageNamed, packagesDirectory } from "./support/packages.ts";
import { freePort } from "./support/port.ts";
import { Site } from "./support/site.ts";

/** Higher than any version of this program. */
const NEWER = "99.0.0";

const SETTINGS = "/etc/maxwells-daemon/maxwells-daemon.toml";

const SPARE = "maxwells-daemon-spare.service";

const FAULTS = "/run/systemd/system/maxwells-daemon.service.d";

const PATIENCE_MS = 240_000;

const missing = machineMissing() ?? nginxMissing();
if (missing !== undefined) console.warn(`skipped: packages: ${missing}`);

describe.skipIf(missing !== undefined)("the packages", () => {
  let directory: string;
  let machine: Machine;
  const stops: (() => Promise<void> | void)[] = [];

  beforeAll(async () => {
    directory = await packagesDirectory();
    machine = await Machine.start();
    stops.push(() => machine.stop());
    copyFileSync(packageNamed(directory, ".deb"), join(machine.share, "first.deb"));
    const date = sourceDate();
    const newer = await packageOf("deb", {
      ...{ entries: entriesOf(date), date, version: NEWER, compression: "none", target: machine.share },
    });
    copyFileSync(newer, join(machine.share, "newer.deb"));
    copyFileSync(packageNamed(directory, ".rpm"), join(machine.share, "first.rpm"));
    const newerRpm = await packageOf("rpm", {
      ...{ entries: entriesOf(date), date, version: NEWER, compression: "zstd:1", target: machine.share },
    });
    copyFileSync(newerRpm, join(machine.share, "newer.rpm"));
  }, PATIENCE_MS);

  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  const install = (name: string) =>
    machine.command("dpkg", "--no-triggers", "--force-confold", "-i", `/mnt/${name}.deb`);
  /** Does it while visitors come without a pause, and holds that not one of them notices it. */
  const withVisitors = async (name: string, change: () => Promise<unknown>) => {
    const site = await Site.start(
      join(machine.run, "maxwells-daemon.sock"),
      join(machine.directory, `site-${name}`),
    );
    stops.push(() => site.stop());
    const stop = new AbortController();
    const visitors = [site.visit(stop.signal), askForEver(machine, stop.signal)];
    await site.waitForVisits(50);
    await change();
    await site.waitForVisits(site.visits + 50);
    stop.abort();
    await Promise.all(visitors);
    expect(site.wrong).toEqual([]);
  };
  /** A fault that the spare does not have. */
  const breakService = async () => {
    const script = "case %n in *spare*) exit 0;; esac; exit 1";
    const unit = `[Service]\nExecStartPre=/bin/sh -c '${script}'\n`;
    await machine.command(
      "sh",
      "-c",
      'mkdir -p "$1" && printf %s "$2" > "$1/fault.conf"',
      "sh",
      FAULTS,
      unit,
    );
    await machine.command("systemctl", "daemon-reload");
  };
  const mendService = async () => {
    await machine.command("rm", "-r", FAULTS);
    await machine.command("systemctl", "daemon-reload");
  };
  const replace = () =>
    machine.command("sh", "-c", "/usr/lib/maxwells-daemon/replace-daemon 2>&1; echo status $?");
  const pid = async () =>
    Number((await machine.command("systemctl", "show", "-P", "MainPID", "maxwells-daemon")).trim());

  test(
    "lintian finds only the faults in Debian's package that the package names with a reason",
    () => {
      const ran = Bun.spawnSync(["lintian", "--allow-root", packageNamed(directory, ".deb")]);
      expect(`${ran.stdout}${ran.stderr}`).toBe("");
    },
    PATIENCE_MS,
  );

  test(
    "a first installation starts nothing, because nothing is configured",
    async () => {
      expect(await install("first")).not.toMatch(/warning|error/i);
      for (const unit of ["maxwells-daemon.service", "maxwells-daemon.socket"]) {
        expect(machine.try("systemctl", "is-enabled", unit).stdout).toBe("disabled\n");
        expect(machine.try("systemctl", "is-active", unit).stdout).toBe("inactive\n");
      }
      expect(machine.try("id", "maxwells-daemon").status).toBe(0);
      expect(machine.try("cat", "/var/lib/dpkg/info/maxwells-daemon.conffiles").stdout).toBe(
        "/etc/maxwells-daemon/maxwells-daemon.toml\n",
      );
    },
    PATIENCE_MS,
  );

  test("it brings the program, its manual, and completions for three shells", async () => {
    // A stripped executable would be Bun, which says another version.
    expect(await machine.command("maxwells-daemon", "version")).toMatch(/^maxwells-daemon \d/);
    for (const { name } of COMMANDS.commands) {
      const page = `/usr/share/man/man1/maxwells-daemon-${name}.1.gz`;
      expect(machine.try("gzip", "-t", page)).toEqual({ status: 0, stdout: "", stderr: "" });
    }
    for (const path of [
      "bash-completion/completions/maxwells-daemon",
      "zsh/vendor-completions/_maxwells-daemon",
      "fish/vendor_completions.d/maxwells-daemon.fish",
      "maxwells-daemon/config.schema.json",
      "maxwells-daemon/rollouts.schema.json",
      "maxwells-daemon/integrations/nginx/maxwells-daemon.lua",
      "maxwells-daemon/integrations/prometheus/rules.yml",
      "maxwells-daemon/integrations/grafana/fleet.json",
    ]) {
      expect(machine.try("test", "-s", `/usr/share/${path}`).status).toBe(0);
    }
  });

  test("each link between the pages that it brings leads to a file", () => {
    const pages = "/usr/share/maxwells-daemon";
    const found = machine.try("find", pages, "-name", "*.md").stdout.trim().split("\n");
    expect(found).toContain(`${pages}/docs/stores/redis.md`);
    const targets = found.flatMap((page) => {
      const links = machine.try("cat", page).stdout.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g);
      return [...links].map(([, link = ""]) => join(dirname(page), link));
    });
    const dead = [...new Set(targets)].filter((path) => machine.try("test", "-e", path).status !== 0);
    // The licence is in /usr/share/doc.
    expect(dead).toEqual([`${pages}/LICENSE`]);
  });

  test(
    "an upgrade under load fails no request, moves no visitor, and refuses no question",
    async () => {
      const admin = await configure(machine);
      const before = await pid();

      await withVisitors("deb", () => install("newer"));

      expect(await pid()).not.toBe(before);
      const journal = machine.try("journalctl", "--no-pager", "-o", "cat").stdout;
      expect(journal).toContain("Started maxwells-daemon-spare.service");
      expect(machine.try("systemctl", "is-active", "maxwells-daemon-spare.service").stdout).toBe(
        "inactive\n",
      );
      expect(machine.try("ls", "/run/systemd/system").stdout).not.toContain("spare");
      // The operator's settings stay.
      expect(machine.try("cat", SETTINGS).stdout).toContain(admin);
    },
    PATIENCE_MS,
  );

  test(
    "if the spare starts and the service does not, the spare answers visitors until the next try",
    async () => {
      await breakService();
      await withVisitors("spare", async () => {
        expect(await replace()).toMatch(/so the spare answers visitors[\s\S]*status 1\n$/);
        expect(machine.try("systemctl", "is-active", SPARE).stdout).toBe("active\n");
        await mendService();
        expect(await replace()).toBe("status 0\n");
      });
      expect(machine.try("systemctl", "is-active", SPARE).stdout).toBe("inactive\n");
      expect(machine.try("systemctl", "is-active", "maxwells-daemon").stdout).toBe("active\n");
    },
    PATIENCE_MS,
  );

  test(
    "if the settings have a mistake, the upgrade leaves the old daemon to visitors, and dpkg succeeds",
    async () => {
      const before = await pid();
      await machine.command("sh", "-c", "echo 'delay = 5' >> /etc/maxwells-daemon/maxwells-daemon.toml");
      expect(await install("newer")).toContain("a new daemon does not start, so the old one still answers");
      expect(await pid()).toBe(before);
      expect(await machine.command("systemctl", "is-active", "maxwells-daemon")).toBe("active\n");
      const client = await LineClient.connect({ path: join(machine.run, "maxwells-daemon.sock") });
      expect(await client.ask("0.1")).toEqual({ assignment: "0.1", location: "canary" });
      client.close();
    },
    PATIENCE_MS,
  );

  test(
    "a purge leaves nothing but the user, also if a spare still answers",
    async () => {
      await machine.command("sed", "-i", "/^delay = 5/d", SETTINGS);
      await breakService();
      expect(await replace()).toContain("so the spare answers visitors");
      await mendService();
      expect(await machine.command("ls", "/var/lib/maxwells-daemon")).toContain("snapshot");
      await machine.command("dpkg", "--no-triggers", "--purge", "maxwells-daemon");
      const found = await machine.command(
        ..."find /etc /usr /var /run /tmp -xdev -name *maxwells-daemon* -not -path /var/log/journal/*".split(
          " ",
        ),
      );
      expect(found).toBe("");
      expect(machine.try("systemctl", "is-active", "maxwells-daemon").stdout).toBe("inactive\n");
      expect(existsSync(join(machine.run, "maxwells-daemon.sock"))).toBe(false);
      expect(machine.try("id", "maxwells-daemon").status).toBe(0);
    },
    PATIENCE_MS,
  );

  test(
    "the archive has the program, and the checksums are those of all files",
    async () => {
      const archive = packageNamed(directory, `-linux-${process.arch}.tar.gz`);
      const unpacked = join(machine.share, "unpacked");
      mkdirSync(unpacked);
      const tar = Bun.spawnSync(["tar", "-xzf", archive, "-C", unpacked, "--strip-components=1"]);
      expect(tar.exitCode).toBe(0);
      expect(await machine.command("/mnt/unpacked/usr/bin/maxwells-daemon", "version")).toMatch(
        /^maxwells-daemon \d/,
      );
      const sums = Bun.spawnSync(["sha256sum", "--strict", "-c", "SHA256SUMS"], { cwd: directory });
      expect(sums.exitCode).toBe(0);
      expect(String(sums.stdout).match(/: OK$/gm)).toHaveLength(6);
    },
    PATIENCE_MS,
  );

  test(
    "the archive makes a machine with a daemon by the commands of its page, and an upgrade keeps the settings",
    async () => {
      const page = readFileSync(join(import.meta.dir, "../docs/install.md"), "utf8");
      const [first, upgrade] = Array.from(
        page.slice(page.indexOf("## The archive")).matchAll(/^```sh\n([\s\S]*?)^```$/gm),
        ([, commands = ""]) => commands.replaceAll("sudo ", "").replaceAll("-xzf ", "-xzf /mnt/"),
      ) as [string, string];
      const [, name = ""] = /-xzf \/mnt\/(\S+)/.exec(first) ?? [];
      const other = await Machine.start();
      try {
        copyFileSync(join(directory, name), join(other.share, name));
        await other.command("sh", "-e", "-c", first);
        await configure(other);
        const settings = await other.command("cat", SETTINGS);
        await other.command("sh", "-e", "-c", upgrade);
        expect(await other.command("cat", SETTINGS)).toBe(settings);
        expect(await other.command("systemctl", "is-active", "maxwells-daemon")).toBe("active\n");
        expect(await other.command("maxwells-daemon", "ask", "0.1")).toContain("canary");
      } finally {
        await other.stop();
      }
    },
    PATIENCE_MS,
  );

  test("the bill of materials has the form that CycloneDX's own schema demands", () => {
    const bill = JSON.parse(readFileSync(packageNamed(directory, ".cdx.json"), "utf8"));
    expect(faultsInBill(bill)).toBe("");
    const [first, ...others] = bill.components;
    expect(faultsInBill({ ...bill, components: [{ ...first, type: "planet" }, ...others] })).not.toBe("");
  });

  test("the bill of materials names Bun, the libraries of the program, and those of the page", () => {
    const bill = JSON.parse(readFileSync(packageNamed(directory, ".cdx.json"), "utf8"));
    expect([bill.bomFormat, bill.metadata.component.name]).toEqual(["CycloneDX", "maxwells-daemon"]);
    const components = bill.components as { name: string; version: string; type: string }[];
    const byName = new Map(components.map((each) => [each.name, each]));
    expect(byName.get("bun")).toMatchObject({ version: Bun.version, type: "platform" });
    for (const name of ["@aws-sdk/client-dynamodb", "ioredis", "pg", "smol-toml", "preact", "uplot"]) {
      expect(byName.has(name), name).toBe(true);
    }
    for (const name of ["typescript", "@biomejs/biome", "playwright-core"])
      expect(byName.has(name), name).toBe(false);
  });

  const rpm = (...words: string[]) => machine.command("rpm", "--nodeps", "--force-debian", ...words);

  test(
    "rpmlint finds only the faults in the package for RPM that its configuration names with a reason",
    () => {
      const config = join(import.meta.dir, "../packaging/rpm/rpmlint.toml");
      const ran = Bun.spawnSync(["rpmlint", "-c", config, packageNamed(directory, ".rpm")]);
      expect(`${ran.stdout}${ran.stderr}`).toContain(" 0 errors, 0 warnings,");
    },
    PATIENCE_MS,
  );

  test(
    "rpm installs the same files, starts nothing, and makes the user",
    async () => {
      await machine.command("userdel", "maxwells-daemon");
      expect(await rpm("-i", "/mnt/first.rpm")).not.toMatch(/warning|error/i);
      expect(machine.try("id", "maxwells-daemon").status).toBe(0);
      for (const unit of ["maxwells-daemon.service", "maxwells-daemon.socket"]) {
        expect(machine.try("systemctl", "is-active", unit).stdout).toBe("inactive\n");
      }
      // A stripped executable would be Bun, which says another version.
      expect(await machine.command("maxwells-daemon", "version")).toMatch(/^maxwells-daemon \d/);
      const inDeb = String(
        Bun.spawnSync(["dpkg-deb", "-c", packageNamed(directory, ".deb")]).stdout,
      ).matchAll(/ \.(\/\S*[^/\s])$/gm);
      const paths = Array.from(inDeb, ([, path = ""]) => path).filter((path) => !path.includes("lintian"));
      expect(paths.length).toBeGreaterThan(40);
      const installed = new Set((await machine.command("rpm", "-ql", "maxwells-daemon")).split("\n"));
      const inFedora = (path: string) => path.replace("zsh/vendor-completions", "zsh/site-functions");
      expect(paths.filter((path) => !installed.has(inFedora(path)))).toEqual([]);
      expect(await rpm("-V", "maxwells-daemon")).toBe("");
    },
    PATIENCE_MS,
  );

  test(
    "an upgrade by rpm under load fails no request, and its removal leaves the operator's settings",
    async () => {
      await configure(machine);
      const before = await pid();
      await withVisitors("rpm", () => rpm("-U", "/mnt/newer.rpm"));
      expect(await pid()).not.toBe(before);
      await rpm("-e", "maxwells-daemon");
      expect(machine.try("systemctl", "is-active", "maxwells-daemon").stdout).toBe("inactive\n");
      expect(existsSync(join(machine.run, "maxwells-daemon.sock"))).toBe(false);
      expect(machine.try("find", "/usr", "-xdev", "-name", "*maxwells-daemon*").stdout).toBe("");
      const kept = await machine.command("ls", "/etc/maxwells-daemon", "/etc/systemd/system");
      expect(kept.match(/\S*maxwells\S*/g)).toEqual([
        "/etc/maxwells-daemon:",
        "maxwells-daemon.toml.rpmsave",
      ]);
    },
    PATIENCE_MS,
  );
});

/** Writes the settings and the rollouts, and starts the daemon; resolves with its admin address. */
async function configure(machine: Machine): Promise<string> {
  const admin = `127.0.0.1:${await freePort()}`;
  await machine.command("sed", "-i", `s/127.0.0.1:6293/${admin}/`, SETTINGS);
  await machine.command("sh", "-c", `echo 'outcomes = "none"' >> ${SETTINGS}`);
  const rollouts = '{ "website": { "canary": 0.25, "maintenance": 0 } }';
  await machine.command("sh", "-c", `echo '${rollouts}' > /etc/maxwells-daemon/rollouts.json`);
  await machine.command("systemctl", "enable", "--now", "maxwells-daemon.socket", "maxwells-daemon.service");
  return admin;
}

/** A new connection for each question, as a proxy without a lease has it. Rejects if one is not answered. */
async function askForEver(machine: Machine, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const client = await LineClient.connect({ path: join(machine.run, "maxwells-daemon.sock") });
    const answer = await client.ask("0.1");
    client.close();
    if (answer.location !== "canary") throw new Error(`the daemon answers ${answer.location}`);
    await Bun.sleep(5);
  }
}
