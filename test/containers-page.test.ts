/** The samples of docs/containers.md agree with the image and with the program. */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WRITTEN } from "../scripts/package/image-root.ts";
import { knownOptions, PROGRAM_VERSION } from "../src/cli/command.ts";
import { COMMANDS } from "../src/cli/list.ts";
import { faultsInConfig } from "./support/schema.ts";

const ROOT = join(import.meta.dir, "..");
const page = readFileSync(join(ROOT, "docs/containers.md"), "utf8");
const samples = Array.from(page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm), ([, text = ""]) =>
  Bun.YAML.parse(text),
);
const [compose, pod] = samples as [
  { services: { "maxwells-daemon": { image: string; read_only: boolean; volumes: string[] } } },
  { spec: { containers: { name: string; image: string; volumeMounts: { mountPath: string }[] }[] } },
];

test("each variable is a setting", () => {
  const variables = new Set(page.match(/\bMAXWELLS_DAEMON_[A-Z_]+/g));
  const known = new Set(knownOptions(COMMANDS).map(({ name }) => name.toUpperCase().replaceAll("-", "_")));
  expect(variables.size).toBeGreaterThan(2);
  for (const name of variables)
    expect([name, known.has(name.replace("MAXWELLS_DAEMON_", ""))]).toEqual([name, true]);
});

test("each sample has this version's image, and mounts what the daemon writes to", () => {
  const images = page.match(/maxwells-daemon:[0-9.]+/g) ?? [];
  expect(new Set(images)).toEqual(new Set([`maxwells-daemon:${PROGRAM_VERSION}`]));
  const service = compose.services["maxwells-daemon"];
  expect(service.read_only).toBe(true);
  expect(service.volumes.map((volume) => volume.split(":")[1])).toEqual([...WRITTEN]);
  const container = pod.spec.containers.find(({ name }) => name === "maxwells-daemon");
  expect(container?.volumeMounts.map(({ mountPath }) => mountPath)).toEqual([...WRITTEN]);
});

test("the image's own file of settings is right", () => {
  expect(faultsInConfig(readFileSync(join(ROOT, "packaging/oci/maxwells-daemon.toml"), "utf8"))).toBe("");
});
