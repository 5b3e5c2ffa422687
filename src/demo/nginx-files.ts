/** The shipped files for nginx, which ask the daemon by `auth_request`, with the demo's places filled in. */

import http from "../../integrations/nginx/nginx-auth-request-http.conf" with { type: "text" };
import site from "../../integrations/nginx/nginx-auth-request-site.conf" with { type: "text" };
import { DECISION_MS_MAX, type FrontParts } from "./front.ts";

/** The name of the site in the shipped files. */
const SHIPPED_NAME = "website";

/** Their directory of the files that exist in maintenance mode. */
const SHIPPED_MODES = "/var/lib/maxwells-daemon/maintenance";

export interface NginxPorts {
  /** For visitors. */
  readonly port: number;
  /** For the nginx that stands in for the daemon. */
  readonly standInPort: number;
}

/** The configuration of an nginx of its own: it shares no file, no port and no socket with another nginx. */
export function nginxConfiguration(parts: FrontParts, { port, standInPort }: NginxPorts): string {
  const { directory } = parts;
  return `
daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log ${directory}/nginx-error.log warn;
events { worker_connections 2048; }
http {
  client_body_temp_path ${directory}/nginx-body;
  proxy_temp_path ${directory}/nginx-proxy;
  fastcgi_temp_path ${directory}/nginx-fastcgi;
  uwsgi_temp_path ${directory}/nginx-uwsgi;
  scgi_temp_path ${directory}/nginx-scgi;

  # The simulated visitors say their addresses as a balancer would.
  set_real_ip_from 127.0.0.1;
  real_ip_header X-Forwarded-For;

${httpPart(parts, standInPort)}
${sitePart(parts, port)}
}
`;
}

function httpPart({ directory, httpPort, outcomesPort }: FrontParts, standInPort: number): string {
  return filled(http, [
    ["/var/log/nginx/maxwells.log", `${directory}/nginx-maxwells.log`],
    ["unix:/run/maxwells-daemon/http.sock", `127.0.0.1:${httpPort}`],
    ["server 127.0.0.1:6297 ", `server 127.0.0.1:${standInPort} `],
    ["listen 127.0.0.1:6297;", `listen 127.0.0.1:${standInPort};`],
    ["syslog:server=127.0.0.1:6298,", `syslog:server=127.0.0.1:${outcomesPort},`],
  ]);
}

function sitePart(
  { directory, application, masterPort, canaryPort, maintenanceFile }: FrontParts,
  port: number,
): string {
  return filled(site.replaceAll(SHIPPED_NAME, application), [
    ["listen 80;", `listen 127.0.0.1:${port};`],
    ["server 127.0.0.1:8080;", `server 127.0.0.1:${masterPort};`],
    ["server 127.0.0.1:8081;", `server 127.0.0.1:${canaryPort};`],
    [`${SHIPPED_MODES}/${application}) { return`, `${maintenanceFile}) { return`],
    [`${SHIPPED_MODES}/${application}) { set`, `${maintenanceFile}) { set`],
    ["root /usr/share/maxwells-daemon;", `root ${directory};`],
    ...["connect", "send", "read"].map(
      (part) => [`proxy_${part}_timeout 8ms;`, `proxy_${part}_timeout ${DECISION_MS_MAX}ms;`] as const,
    ),
  ]);
}

/** Throws if a place is not there once, because then the files have changed. */
function filled(text: string, places: readonly (readonly [from: string, to: string])[]): string {
  return places.reduce((filling, [from, to]) => {
    if (filling.split(from).length !== 2) throw new Error(`the files for nginx should have one ${from}`);
    return filling.replace(from, () => to);
  }, text);
}
