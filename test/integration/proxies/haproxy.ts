/** HAProxy, which decides by itself under a lease in a map, or asks over SPOE. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  fillHaproxy,
  type HaproxyWay,
  haproxyFlags,
  haproxyMissing,
  startHaproxy,
} from "../../support/haproxy.ts";
import type { Integration, OperatorChanges, Reporting } from "../conformance/integration.ts";

function haproxy(
  way: HaproxyWay,
): Pick<Integration, "folder" | "missing" | "daemonFlags" | "start" | "patienceMs"> {
  return {
    folder: "haproxy",
    missing: haproxyMissing,
    daemonFlags: ({ directory }) => haproxyFlags(directory),
    async start({ directory, port, outcomesPort, allowForce, tls, changes }) {
      const configuration = fillHaproxy(way, { directory, port, outcomesPort, allowForce });
      if (changes !== undefined) {
        writeFileSync(configuration, withChanges(readFileSync(configuration, "utf8"), changes));
      }
      if (tls !== undefined) {
        const pem = join(directory, "haproxy.pem");
        writeFileSync(pem, readFileSync(tls.certificate, "utf8") + readFileSync(tls.key, "utf8"));
        const bind = `bind 127.0.0.1:${port} `;
        const text = readFileSync(configuration, "utf8");
        writeFileSync(configuration, text.replace(bind, `${bind}ssl crt ${pem} `));
      }
      return startHaproxy(configuration, port);
    },
    patienceMs: 8,
  };
}

/** The operator's own lines: in the defaults, in the frontend, and in master's backend. */
function withChanges(
  configuration: string,
  { answerTimeoutMs, deniedPath, deadServer, isSharing = false }: OperatorChanges,
): string {
  const dead = `    option redispatch 1\n    server master0 unix@${deadServer}\n`;
  return configuration
    .replace(".if 0 # CHANGE to 1 with", `.if ${Number(isSharing)} # CHANGE to 1 with`)
    .replace("timeout server 30s", `timeout server ${answerTimeoutMs}ms`)
    .replace(
      /^ *use_backend website_maintenance/m,
      (rule) => `    http-request deny if { path ${deniedPath} }\n${rule}`,
    )
    .replace(/^ *server master1/m, (server) => (deadServer === undefined ? server : dead + server));
}

const reporting: Reporting = { canShare: true };

export const haproxyMap: Integration = {
  name: "HAProxy, map",
  ...haproxy("map"),
  reporting,
  changeMs: 500,
  graceMs: 3_000,
};

export const haproxySpoe: Integration = {
  name: "HAProxy, SPOE",
  ...haproxy("spoe"),
  reporting,
  changeMs: 0,
  graceMs: 8,
};
