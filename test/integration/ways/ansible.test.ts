/** The tasks for Ansible: it checks all of them, and runs those that need no systemd, twice. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeIn } from "../../support/page-program.ts";
import { fileOf, INTEGRATIONS, World } from "./world.ts";

const hasAnsible = Bun.which("ansible-playbook") !== null;
if (!hasAnsible && process.env["CI"]) throw new Error("Ansible is not installed");

let world: World;
beforeAll(() => {
  world = new World();
});
afterAll(() => world.remove());

test.skipIf(!hasAnsible)(
  "the tasks write settings and the first record, and leave both alone afterwards",
  async () => {
    copyFileSync(join(INTEGRATIONS, "ansible/tasks.yml"), join(world.directory, "tasks.yml"));
    const playbook = codeIn(fileOf("ansible/README.md"), "yaml")
      .replace("/etc/maxwells-daemon/", `${world.directory}/etc/`)
      .replace("dynamodb://us-east-1/MaxwellsDaemon", world.store)
      .replace("become: true", "become: false");
    writeFileSync(join(world.directory, "playbook.yml"), playbook);
    writeFileSync(join(world.directory, "rollouts.json"), "{}");
    const ansible = (...flags: string[]) =>
      world.run(["ansible-playbook", ...flags, "playbook.yml"], {
        ...{ ANSIBLE_LOCALHOST_WARNING: "0", ANSIBLE_NOCOLOR: "1", HOME: world.directory },
      });
    writeFileSync(join(world.directory, "hosts"), "[proxies]\nhere ansible_connection=local\n");
    const run = (...flags: string[]) => ansible("-i", "hosts", ...flags);
    expect(await run("--syntax-check")).toMatchObject({ status: 0 });
    const first = await run("--tags", "settings,rollout");
    expect([first.status, first.stdout]).toEqual([0, expect.stringMatching(/here +: ok=5 +changed=3 /)]);
    expect(world.canary).toMatchObject({ rollout: 0 });
    await world.command("set", "canary", "25%");
    const second = await run("--tags", "settings,rollout");
    expect([second.status, second.stdout]).toEqual([0, expect.stringMatching(/here +: ok=4 +changed=0 /)]);
    expect(world.canary).toMatchObject({ rollout: 0.25 });
  },
  120_000,
);
