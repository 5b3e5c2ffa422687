/** nginx with Lua that asks the daemon for each request. */

import { join } from "node:path";
import { fillExample, installPage, nginxMissing, startNginx, withTls } from "../../support/nginx.ts";
import type { Integration } from "../conformance/integration.ts";

export const nginxAsk: Integration = {
  name: "nginx, Lua asks",
  folder: "nginx",
  missing: nginxMissing,
  daemonFlags: () => [],
  async start({ directory, port, master, canary, home, allowForce, tls }) {
    installPage(directory);
    const example = fillExample(port, {
      ...{ master, canary, daemon: home.socket, maintenanceFile: home.maintenanceFile },
      ...{ page: join(directory, "share"), allowForce },
    });
    const nginx = await startNginx(directory, port, tls === undefined ? example : withTls(example, tls));
    return { log: () => nginx.errorLog(), stop: () => nginx.stop() };
  },
  changeMs: 0,
  graceMs: 8,
  patienceMs: 8,
};
