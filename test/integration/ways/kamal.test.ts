/** kamal's hook, with the variables that kamal gives it, beside a daemon that leads releases. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { DaemonHome, type DaemonProcess } from "../../support/daemon-process.ts";
import { INTEGRATIONS, shellcheck, World } from "./world.ts";

const HOOK = join(INTEGRATIONS, "kamal/post-deploy");

/** As kamal 2.11 calls a hook after `kamal deploy -d canary`. */
const DEPLOYED = {
  ...{ KAMAL_RECORDED_AT: "2026-11-30T12:00:00Z", KAMAL_PERFORMER: "ada@example.com" },
  ...{ KAMAL_DESTINATION: "canary", KAMAL_VERSION: "4d7b5be0c6f2", KAMAL_SERVICE_VERSION: "web@4d7b5be" },
  ...{ KAMAL_SERVICE: "web", KAMAL_HOSTS: "192.0.2.7", KAMAL_COMMAND: "deploy", KAMAL_RUNTIME: "42" },
};

describe("kamal's hook", () => {
  let world: World;
  let home: DaemonHome;
  let daemon: DaemonProcess;

  beforeAll(async () => {
    world = new World();
    world.install("kamal/maxwells-daemon.toml", "config/maxwells-daemon.toml");
    home = new DaemonHome({ store: world.store, flags: ["-releases", "on"] });
    daemon = await home.start();
  });
  afterAll(async () => {
    await daemon.end("SIGKILL");
    home.remove();
    world.remove();
  });

  const hook = (env: Record<string, string>) => world.run([HOOK], env);

  test("has no fault that shellcheck knows", async () => {
    expect(await shellcheck(HOOK)).toBe("");
  });

  test("does nothing for master's servers, and for a rollback", async () => {
    const { KAMAL_DESTINATION: _, ...master } = DEPLOYED;
    expect(await hook(master)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(await hook({ ...DEPLOYED, KAMAL_DESTINATION: "staging" })).toMatchObject({
      status: 0,
      stdout: "",
    });
    expect(await hook({ ...DEPLOYED, KAMAL_COMMAND: "rollback" })).toMatchObject({ status: 0, stdout: "" });
    expect(world.canary).toBe(0);
  });

  test("starts a release of what was deployed, with the person as its reason, and none beside one that goes on", async () => {
    const started = await hook(DEPLOYED);
    expect(started).toMatchObject({ status: 0, stderr: "" });
    expect(started.stdout).toContain("4d7b5be0c6f2 by plan default");
    expect(world.canary).toMatchObject({ rollout: 0.01 });
    expect((await world.command("history")).stdout).toContain("kamal, by ada@example.com");

    const again = await hook({ ...DEPLOYED, KAMAL_VERSION: "other" });
    expect(again.status).not.toBe(0);
    expect(again.stderr).toContain("nothing was written");
    expect(world.canary).toMatchObject({ rollout: 0.01 });
  }, 30_000);
});
