/** The image: its settings, and the daemon in a container with a read-only root, which a real nginx asks. */

import "./support/long.ts";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IMAGE_USER } from "../scripts/package/image-root.ts";
import { PROGRAM_VERSION } from "../src/cli/command.ts";
import { Containers, containersMissing } from "./support/containers.ts";
import { eventually } from "./support/eventually.ts";
import { nginxMissing } from "./support/nginx.ts";
import { packageNamed, packagesDirectory } from "./support/packages.ts";
import { freePort } from "./support/port.ts";
import { Site } from "./support/site.ts";

const PATIENCE_MS = 240_000;
const HEALTH_MS_MAX = 60_000;

const IMAGE = `localhost/maxwells-daemon:${PROGRAM_VERSION}`;
const ROLLOUTS = '{ "website": { "canary": 0.25, "maintenance": 0 } }';

const missing = containersMissing() ?? nginxMissing();
if (missing !== undefined) console.warn(`skipped: the image: ${missing}`);

describe.skipIf(missing !== undefined)("the image", () => {
  const directory = mkdtempSync(join(tmpdir(), "image-test-"));
  const place = (name: string) => join(directory, name);
  let archive: string;
  let containers: Containers;
  let site: Site | undefined;

  beforeAll(async () => {
    chmodSync(directory, 0o755);
    archive = packageNamed(await packagesDirectory(), ".oci.tar");
    containers = await Containers.start();
    containers.podman("pull", "--quiet", `docker-archive:${archive}`);
  }, PATIENCE_MS);

  afterAll(async () => {
    await site?.stop();
    await containers.stop();
    rmSync(directory, { recursive: true });
  });

  test("has a user of its own, a health check, labels, and nothing but the program and its libraries", () => {
    const [image] = JSON.parse(containers.podman("image", "inspect", IMAGE));
    expect(image.Config).toMatchObject({
      User: `${IMAGE_USER}:${IMAGE_USER}`,
      Entrypoint: ["/usr/bin/maxwells-daemon"],
      Volumes: { "/run/maxwells-daemon": {}, "/var/lib/maxwells-daemon": {} },
    });
    expect(image.Healthcheck.Test).toEqual(["CMD", "/usr/bin/maxwells-daemon", "status"]);
    expect(image.Labels).toMatchObject({
      "org.opencontainers.image.title": "maxwells-daemon",
      "org.opencontainers.image.version": PROGRAM_VERSION,
      "org.opencontainers.image.licenses": "MIT",
    });
    const name = containers.podman("create", "--network", "host", IMAGE);
    const tar = place("files.tar");
    containers.podman("export", "--output", tar, name);
    containers.podman("rm", name);
    const files = String(Bun.spawnSync(["tar", "-tf", tar]).stdout).split("\n");
    const programs = files.filter((path) => /^(usr\/)?s?bin\/./.test(path));
    expect(programs).toEqual(["usr/bin/maxwells-daemon"]);
    // Scanners of images read it.
    expect(files).toContain("var/lib/dpkg/status.d/libc6");
  });

  test(
    "with a read-only root and no rights the daemon answers nginx over a shared directory, and HTTP; health follows the store",
    async () => {
      const [http, admin] = [await freePort(), await freePort()];
      for (const name of ["run", "state"]) {
        mkdirSync(place(name));
        chownSync(place(name), IMAGE_USER, IMAGE_USER);
      }
      mkdirSync(place("store"));
      writeFileSync(place("store/rollouts.json"), ROLLOUTS);
      const environment = {
        HTTP: `127.0.0.1:${http}`,
        ADMIN: `127.0.0.1:${admin}`,
        OUTCOMES: "none",
        DELAY: "100ms",
        UNHEALTHY: "500ms",
      };
      containers.run(
        "--read-only-tmpfs=false",
        ...Object.entries(environment).flatMap(([name, value]) => [
          "--env",
          `MAXWELLS_DAEMON_${name}=${value}`,
        ]),
        ...wordsOfPage({
          "/run/maxwells-daemon": place("run"),
          "/var/lib/maxwells-daemon": place("state"),
          "/etc/maxwells-daemon/store": place("store"),
        }),
      );
      const log = () => containers.try("logs", "maxwells-daemon").stderr;
      const healthIs = (status: number, what: string) =>
        eventually(
          () => containers.try("healthcheck", "run", "maxwells-daemon").status === status,
          what,
          HEALTH_MS_MAX,
        );
      await healthIs(0, "the container is healthy").catch((error: unknown) => {
        throw new Error(
          `${error}\n${containers.try("healthcheck", "run", "maxwells-daemon").stderr}${log()}`,
        );
      });

      site = await Site.start(place("run/maxwells-daemon.sock"), place("site"));
      expect([await site.served("0.1"), await site.served("0.9")]).toEqual(["canary", "master"]);
      const decided = await fetch(`http://127.0.0.1:${http}/decide`, {
        headers: { maxwellsdaemon: "0.1" },
      });
      expect([decided.status, decided.headers.get("maxwellsdaemon-location")]).toEqual([200, "canary"]);
      // A command in the container uses the same settings.
      expect(containers.podman("exec", "maxwells-daemon", "maxwells-daemon", "ask", "0.1")).toContain(
        "canary",
      );

      renameSync(place("store/rollouts.json"), place("store/gone"));
      await healthIs(1, "without its store the container is unhealthy");
      await eventually(
        async () => (await site?.served("0.1")) === "master",
        "without its store all are at master",
      );
      renameSync(place("store/gone"), place("store/rollouts.json"));
      await healthIs(0, "the container is healthy again");
      await eventually(async () => (await site?.served("0.1")) === "canary", "the canary serves again");

      containers.podman("stop", "--time", "60", "maxwells-daemon");
      expect(containers.podman("inspect", "--format", "{{.State.ExitCode}}", "maxwells-daemon")).toBe("0");
    },
    PATIENCE_MS,
  );

  test(
    "as an archive of OCI it is the same image; Podman then knows no health check",
    () => {
      containers.podman("load", "--quiet", "--input", archive);
      const names = [IMAGE, `docker.io/library/maxwells-daemon:${PROGRAM_VERSION}`];
      const [first, second] = names.map((name) => JSON.parse(containers.podman("image", "inspect", name))[0]);
      expect(second.Id).toBe(first.Id);
      expect(second.Healthcheck).toBeUndefined();
    },
    PATIENCE_MS,
  );
});

/** The words of the page's `podman run`, with other directories of this machine. */
function wordsOfPage(places: Readonly<Record<string, string>>): string[] {
  const page = readFileSync(join(import.meta.dir, "../docs/containers.md"), "utf8");
  const [, command = ""] = /^podman run --detach ((?:.*\\\n)*.*)$/m.exec(page) ?? [];
  const words = command.split(/[\s\\]+/);
  return words.map((word) => {
    const [host = "", ...rest] = word.split(":");
    const other = places[host];
    return other === undefined || rest.length === 0 ? word : [other, ...rest].join(":");
  });
}
