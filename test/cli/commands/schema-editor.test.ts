/** taplo, the engine of TOML in editors, finds the schema of the configuration file, and understands it. */

import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PYPI } from "../../../scripts/test/needs.ts";
import { run } from "../run.ts";

const TAPLO = `${PYPI}/bin/taplo`;
const isMissing = !existsSync(TAPLO);
if (isMissing && process.env["CI"]) throw new Error("taplo is not installed");
if (isMissing) console.warn("skipped: the schema in editors: taplo is not installed");

const SHIPPED = readFileSync(
  join(import.meta.dir, "../../../integrations/systemd/maxwells-daemon.toml"),
  "utf8",
);

test.skipIf(isMissing)(
  "an editor finds the schema by the first line of the shipped file, and marks a mistake with its place",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "schema-"));
    try {
      const { stdout } = await run(["schema", "config"]);
      writeFileSync(join(directory, "config.schema.json"), stdout);
      const lint = (text: string) => {
        const path = join(directory, "maxwells-daemon.toml");
        writeFileSync(path, text);
        const ran = Bun.spawnSync([TAPLO, "lint", "--no-auto-config", path]);
        return { status: ran.exitCode, said: `${ran.stdout}${ran.stderr}` };
      };
      const settings = SHIPPED.replace("/usr/share/maxwells-daemon", directory);
      expect(settings).toStartWith(`#:schema ${directory}/config.schema.json\n`);
      expect(lint(settings)).toMatchObject({ status: 0 });
      const wrong = lint(`${settings}delay = 5\n`);
      expect(wrong.status).toBe(1);
      expect(wrong.said).toMatch(/delay = 5\n[^\n]*5 is not of type "string"/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
