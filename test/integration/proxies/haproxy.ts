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
import type { Integration } from "../conformance/integration.ts";

function haproxy(
  way: HaproxyWay,
): Pick<Integration, "folder" | "missing" | "daemonFlags" | "start" | "patienceMs"> {
  return {
    folder: "haproxy",
    missing: haproxyMissing,
    daemonFlags: ({ directory }) => haproxyFlags(directory),
    async start({ directory, port, allowForce, tls }) {
      const configuration = fillHaproxy(way, { directory, port, allowForce });
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

export const haproxyMap: Integration = {
  name: "HAProxy, map",
  ...haproxy("map"),
  changeMs: 500,
  graceMs: 3_000,
};

export const haproxySpoe: Integration = {
  name: "HAProxy, SPOE",
  ...haproxy("spoe"),
  changeMs: 0,
  graceMs: 8,
};
