/** Apache httpd, which decides by itself under a lease in a file. */

import {
  apacheMissing,
  fillSite,
  installFiles,
  mapPath,
  openTo,
  startApache,
  wholeConfiguration,
} from "../../support/apache.ts";
import type { Integration } from "../conformance/integration.ts";

export const apache: Integration = {
  name: "Apache, map",
  folder: "apache",
  missing: apacheMissing,
  daemonFlags: ({ directory }) => ["-apache-map", mapPath(directory)],
  async start({ directory, port, master, canary, home, allowForce, tls }) {
    installFiles(directory);
    openTo(home, [master, canary]);
    const { maintenanceFile } = home;
    const site = fillSite({ directory, port, master, canary, maintenanceFile, allowForce, tls });
    return startApache(directory, port, wholeConfiguration(directory, site));
  },
  changeMs: 500,
  graceMs: 3_000,
  patienceMs: 0,
};
