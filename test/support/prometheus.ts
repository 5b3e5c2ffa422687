/** A real Prometheus of Debian on a free port of loopback, in a directory of its own. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./port.ts";
import { whenListening } from "./proxy-process.ts";

/** Why it cannot run here, or undefined if it can. In CI it has to run, so it fails there. */
export function prometheusMissing(): string | undefined {
  if (Bun.which("prometheus") !== null) return undefined;
  const message = "Prometheus is not installed; apt-get install prometheus";
  if (process.env["CI"]) throw new Error(message);
  console.warn(`skipped: ${message}`);
  return message;
}

export interface Prometheus {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * @param configuration its file, in YAML
 * @param path          the path below which it answers, such as `/tenant`
 */
export async function startPrometheus(configuration: string, path = ""): Promise<Prometheus> {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-prometheus-"));
  const file = join(directory, "prometheus.yml");
  writeFileSync(file, configuration);
  const port = await freePort();
  const child = Bun.spawn(
    [
      ...["prometheus", `--config.file=${file}`, `--storage.tsdb.path=${join(directory, "data")}`],
      ...[`--web.listen-address=127.0.0.1:${port}`, "--log.level=warn"],
      `--web.external-url=http://127.0.0.1:${port}${path}`,
    ],
    { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  );
  const isServing = async (url: string) => (await fetch(`${url}${path}/-/ready`)).ok;
  const running = await whenListening("prometheus", child, port, { isServing });
  return {
    url: `${running.url}${path}`,
    async stop() {
      await running.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
