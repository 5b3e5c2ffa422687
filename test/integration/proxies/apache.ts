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
import type { Integration, OperatorChanges } from "../conformance/integration.ts";

export const apache: Integration = {
  name: "Apache, map",
  folder: "apache",
  missing: apacheMissing,
  daemonFlags: ({ directory }) => ["-apache-map", mapPath(directory)],
  async start({ directory, port, master, canary, home, outcomesPort, allowForce, tls, changes }) {
    installFiles(directory);
    openTo(home, [master, canary]);
    const { maintenanceFile } = home;
    const places = { directory, port, master, canary, maintenanceFile, outcomesPort };
    const example = fillSite({ ...places, allowForce, tls });
    const site = changes === undefined ? example : withChanges(example, changes);
    return startApache(directory, port, wholeConfiguration(directory, site));
  },
  reporting: {
    canShare: true,
    exceptions: {
      cuts: "Apache logs the status that the answer began with, and nothing about its end",
      left: "Apache waits for the version's answer, and reports its status",
      retried: "Apache does not log how many servers a balancer tried",
    },
  },
  changeMs: 500,
  graceMs: 3_000,
  patienceMs: 0,
};

/** The operator's own lines in the site. */
function withChanges(
  example: string,
  { answerTimeoutMs, deniedPath, isSharing = false }: OperatorChanges,
): string {
  const timeout = `ProxyTimeout ${answerTimeoutMs / 1_000}`;
  const denied = `<Location ${deniedPath}>\nRequire all denied\n</Location>`;
  const site = example.replace("    ProxyPreserveHost On\n", `$&${timeout}\n${denied}\n`);
  return isSharing ? withShare(site) : site;
}

/** Does what the site's comment tells. */
function withShare(site: string): string {
  return site
    .replace(/^ {4}GlobalLog "\|.*\n/m, "")
    .replace('    #GlobalLog "|', '    GlobalLog "|')
    .replace('" maxwells_outcome\n', ' share=0.1" maxwells_outcome\n');
}
