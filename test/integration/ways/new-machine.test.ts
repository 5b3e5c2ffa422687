/**
 * A new machine, from nothing to a daemon that answers: by Ansible's tasks, and by cloud-init's user data.
 * Each runs as its page says, on a machine with systemd, with the package.
 */

import "../../support/long.ts";
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Machine, machineMissing } from "../../support/machine.ts";
import { packageNamed, packagesDirectory } from "../../support/packages.ts";
import { freePort } from "../../support/port.ts";
import { fileOf } from "./world.ts";

const SETTINGS = "/etc/maxwells-daemon/maxwells-daemon.toml";
const PATIENCE_MS = 480_000;

/** Why a test of this tool cannot run here. In CI it has to run. */
function missing(tool: string): string | undefined {
  const reason = machineMissing() ?? (Bun.which(tool) === null ? `${tool} is not installed` : undefined);
  if (reason !== undefined && process.env["CI"]) throw new Error(reason);
  if (reason !== undefined) console.warn(`skipped: a new machine: ${reason}`);
  return reason;
}

const missingAnsible = missing("ansible-playbook");
const missingCloudInit = missing("cloud-init");

describe.skipIf(missingAnsible !== undefined && missingCloudInit !== undefined)("a new machine", () => {
  let deb: string;
  let machine: Machine | undefined;

  beforeAll(async () => {
    deb = packageNamed(await packagesDirectory(), ".deb");
  }, PATIENCE_MS);

  afterEach(() => machine?.stop());

  /** A machine with the package and an empty store. */
  async function begin(): Promise<{ machine: Machine; write: (name: string, text: string) => void }> {
    const fresh = await Machine.start();
    machine = fresh;
    copyFileSync(deb, join(fresh.share, basename(deb)));
    const write = (name: string, text: string) => writeFileSync(join(fresh.share, name), text);
    write("rollouts.json", "{}");
    return { machine: fresh, write };
  }

  const canaryOf = ({ share }: Machine) =>
    (JSON.parse(readFileSync(join(share, "rollouts.json"), "utf8")) as Record<string, { canary?: unknown }>)[
      "website"
    ]?.canary;

  test.skipIf(missingAnsible !== undefined)(
    "by Ansible: a daemon and the first record; later runs change only what is new, and nothing if it is wrong",
    async () => {
      const { machine, write } = await begin();
      const [, indented = ""] = /^ {3}```yaml\n([\s\S]*?)^ {3}```$/m.exec(fileOf("ansible/README.md")) ?? [];
      const playbook = indented
        .replaceAll(/^ {3}/gm, "")
        .replace("dynamodb://us-east-1/MaxwellsDaemon", "file:/mnt/rollouts.json")
        .replace("https://packages.example.com/", "/mnt/");
      expect(playbook).toContain(`package: /mnt/${basename(deb)}\n`);
      write("playbook.yml", playbook);
      write("hosts", "[proxies]\nhere ansible_connection=local\n");
      // The machine has the network of this one.
      const tasks = fileOf("ansible/tasks.yml").replace(
        /^( +)admin = .*$/m,
        `$1admin = "127.0.0.1:${await freePort()}"\n$1outcomes = "none"`,
      );
      write("tasks.yml", tasks);
      const play = (...flags: string[]) => {
        const command = `cd /mnt && ansible-playbook -i hosts playbook.yml ${flags.join(" ")}`;
        return machine.try("env", "HOME=/tmp", "ANSIBLE_NOCOLOR=1", "sh", "-c", command);
      };
      const looked = play("--check", "--diff");
      expect([looked.status, looked.stdout]).toEqual([0, expect.stringMatching(/changed=2 .*failed=0/)]);
      expect(machine.try("test", "-e", SETTINGS).status).toBe(1);

      const first = play();
      expect([first.status, first.stdout]).toEqual([0, expect.stringMatching(/ok=7 +changed=5 /)]);
      expect(canaryOf(machine)).toMatchObject({ rollout: 0 });
      expect(await machine.command("maxwells-daemon", "ask", "0.1")).toContain("master");
      await machine.command("maxwells-daemon", "set", "canary", "25%");

      const again = play();
      expect([again.status, again.stdout]).toEqual([0, expect.stringMatching(/changed=0 .*skipped=2/)]);
      expect(canaryOf(machine)).toMatchObject({ rollout: 0.25 });

      const pid = () => machine.try("systemctl", "show", "-P", "MainPID", "maxwells-daemon").stdout;
      const old = pid();
      write("tasks.yml", tasks.replace("outcomes =", "delay = 5\n        outcomes ="));
      const wrong = play();
      expect([wrong.status, wrong.stdout]).toEqual([2, expect.stringContaining("delay")]);
      expect([pid(), machine.try("grep", "-c", "delay", SETTINGS).stdout]).toEqual([old, "0\n"]);
      write("tasks.yml", tasks.replace("outcomes =", 'delay = "2s"\n        outcomes ='));
      expect(play()).toMatchObject({ status: 0, stdout: expect.stringMatching(/changed=2 /) });
      expect(pid()).not.toBe(old);
      expect(await machine.command("maxwells-daemon", "ask", "0.1")).toContain("canary");
    },
    PATIENCE_MS,
  );

  test.skipIf(missingCloudInit !== undefined)(
    "by cloud-init: at its first start it has the settings, the package, and a daemon that answers",
    async () => {
      const { machine, write } = await begin();
      using server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(Bun.file(deb)) });
      const sum = new Bun.CryptoHasher("sha256").update(readFileSync(deb)).digest("hex");
      const userData = fileOf("cloud-init/maxwells-daemon.yaml")
        .replace("dynamodb://us-east-1/MaxwellsDaemon", "file:/mnt/rollouts.json")
        .replace(/admin = .*/, `admin = "127.0.0.1:${await freePort()}"\n      outcomes = "none"`)
        .replace("https://packages.example.com/", server.url.href)
        .replace(/0{64}/, sum);
      expect(userData).toContain(`${server.url.href}${basename(deb)}\n`);
      write("rollouts.json", '{ "website": { "canary": 0.25 } }');
      write("user-data", userData);
      write("meta-data", "instance-id: new\n");
      // The machine has this one's network, which other modules of cloud-init would change.
      const configuration = {
        datasource_list: ["NoCloud"],
        network: { config: "disabled" },
        cloud_init_modules: ["write-files"],
        cloud_config_modules: ["runcmd"],
        cloud_final_modules: ["scripts-user"],
        system_info: { distro: "debian" },
      };
      write("cloud.cfg", JSON.stringify(configuration));
      const first = [
        "rm -rf /etc/cloud/cloud.cfg.d /var/lib/cloud",
        "cp /mnt/cloud.cfg /etc/cloud/cloud.cfg",
        "mkdir -p /var/lib/cloud/seed/nocloud",
        "cp /mnt/user-data /mnt/meta-data /var/lib/cloud/seed/nocloud/",
        "cloud-init init --local",
        "cloud-init init",
        "cloud-init modules --mode=config",
        "cloud-init modules --mode=final",
      ];
      await machine.command("sh", "-e", "-c", first.join("\n"));
      expect(machine.try("grep", "-c", '^store = "file:/mnt/rollouts.json"', SETTINGS).stdout).toBe("1\n");
      expect(machine.try("systemctl", "is-enabled", "maxwells-daemon.service").stdout).toBe("enabled\n");
      expect(await machine.command("maxwells-daemon", "ask", "0.1")).toContain("canary");
    },
    PATIENCE_MS,
  );
});
