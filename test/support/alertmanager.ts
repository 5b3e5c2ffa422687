/** A real Alertmanager of Debian on a free port of loopback, in a directory of its own. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./port.ts";
import { whenListening } from "./proxy-process.ts";

/** Why it cannot run here, or undefined if it can. In CI it has to run, so it fails there. */
export function alertmanagerMissing(): string | undefined {
  if (Bun.which("prometheus-alertmanager") !== null) return undefined;
  const message = "Alertmanager is not installed; apt-get install prometheus-alertmanager";
  if (process.env["CI"]) throw new Error(message);
  console.warn(`skipped: ${message}`);
  return message;
}

export interface Alertmanager {
  readonly url: string;
  stop(): Promise<void>;
}

/** @param configuration its file, in YAML */
export async function startAlertmanager(configuration: string): Promise<Alertmanager> {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-alertmanager-"));
  const file = join(directory, "alertmanager.yml");
  writeFileSync(file, configuration);
  const port = await freePort();
  const child = Bun.spawn(
    [
      ...["prometheus-alertmanager", `--config.file=${file}`, `--storage.path=${join(directory, "data")}`],
      // Empty: it looks for no other Alertmanager.
      ...[`--web.listen-address=127.0.0.1:${port}`, "--cluster.listen-address=", "--log.level=warn"],
    ],
    { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  );
  const isServing = async (url: string) => (await fetch(`${url}/-/ready`)).ok;
  const running = await whenListening("alertmanager", child, port, { isServing });
  return {
    url: running.url,
    async stop() {
      await running.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
