/** Caddy, which asks the daemon over HTTP for each request. */

import { join } from "node:path";
import { caddyLogIn, caddyMissing, fillCaddyfile, startCaddy } from "../../support/caddy.ts";
import type { Integration, OperatorChanges } from "../conformance/integration.ts";

export const caddy: Integration = {
  name: "Caddy",
  folder: "caddy",
  missing: caddyMissing,
  daemonFlags: ({ directory }) => ["-http", `unix:${daemonPath(directory)}`],
  async start({
    directory,
    port,
    master,
    canary,
    home,
    outcomesPort,
    allowForce,
    areOptionsOn,
    tls,
    changes,
  }) {
    const { maintenanceFile } = home;
    const places = { directory, port, master, canary, maintenanceFile, outcomesPort };
    const daemon = daemonPath(directory);
    const example = fillCaddyfile({ ...places, daemon, allowForce, areOptionsOn, tls });
    return startCaddy(directory, port, changes === undefined ? example : withChanges(example, changes));
  },
  reporting: {
    exceptions: {
      cuts: "Caddy logs the status that the answer began with, and nothing about its end",
      retried: "Caddy does not log how many servers it tried",
    },
  },
  changeMs: 0,
  graceMs: 25,
  patienceMs: 25,
  hasOptions: true,
  log: { shipped: "/var/log/caddy/maxwells.log", pathIn: caddyLogIn },
};

function daemonPath(directory: string): string {
  return join(directory, "http.sock");
}

/** The operator's own lines: at master's servers, and in the site after the decision. */
function withChanges(example: string, { answerTimeoutMs, deniedPath }: OperatorChanges): string {
  const transport = `transport http {\nresponse_header_timeout ${answerTimeoutMs}ms\n}\n`;
  return example
    .replace(/(request_header maxwellsdaemon-location master\n.*\n\treverse_proxy \{\n)/, `$1${transport}`)
    .replace(
      "import maxwells-daemon\n",
      `import maxwells-daemon\n@denied path ${deniedPath}\nrespond @denied 403\n`,
    );
}
