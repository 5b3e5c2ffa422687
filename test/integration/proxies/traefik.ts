/** Traefik, which asks for each request before a second layer of routers. */

import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../support/port.ts";
import { fillTraefik, startTraefik, traefikMissing } from "../../support/traefik.ts";
import type { Integration } from "../conformance/integration.ts";

export const traefikAsk: Integration = {
  name: "Traefik, asks",
  folder: "traefik",
  missing: traefikMissing,
  daemonFlags: (_, daemonPort) => ["-http", `127.0.0.1:${daemonPort}`],
  async start({ directory, port, daemonPort, masterPort, canaryPort, tls }) {
    const configuration = fillTraefik("ask", directory, {
      ...{ web: port, inside: await freePort(), daemon: daemonPort },
      ...{ master: masterPort, canary: canaryPort, maintenance: 0 },
    });
    if (tls !== undefined) {
      const text = readFileSync(configuration, "utf8");
      const address = `address: "127.0.0.1:${port}"`;
      writeFileSync(configuration, text.replace(address, `${address}\n    http:\n      tls: {}`));
      const certificate = `- certFile: ${tls.certificate}\n      keyFile: ${tls.key}`;
      appendFileSync(join(directory, "website.yml"), `\ntls:\n  certificates:\n    ${certificate}\n`);
    }
    return startTraefik(configuration, port, tls !== undefined);
  },
  changeMs: 0,
  graceMs: 20,
  patienceMs: 20,
  isOverTcp: true,
  exceptions: { maintenance: "Traefik, asking, has no maintenance mode; `slices/` has" },
};
