/**
 * A real Apache httpd on temporary paths, with the shipped site as its configuration, in which only paths,
 * addresses and switches are filled in. If it no longer has such a place, filling in fails.
 */

import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DaemonHome } from "./daemon-process.ts";
import { UNHEARD_PORT } from "./port.ts";
import { type ProxyProcess, whenListening } from "./proxy-process.ts";

const EXAMPLE = join(import.meta.dir, "../../integrations/apache");
const HTTPD = "/usr/sbin/apache2";
const MODULES = "/usr/lib/apache2/modules";

/** How httpd spreads requests over processes and threads. */
export type Mpm = "event" | "worker" | "prefork";

/** Why httpd cannot run here, or undefined if it can. In CI it has to run, so it fails there. */
export function apacheMissing(): string | undefined {
  if (existsSync(HTTPD)) return undefined;
  const message = "Apache httpd is not installed; apt-get install apache2-bin";
  if (process.env["CI"]) throw new Error(message);
  return message;
}

/** The path of httpd's map in a test's directory. */
export function mapPath(directory: string): string {
  return join(directory, "apache.map");
}

export interface ApachePlaces {
  readonly directory: string;
  /** The port for visitors. */
  readonly port: number;
  /** The unix sockets of the upstreams. */
  readonly master: string;
  readonly canary: string;
  readonly maintenanceFile: string;
  /** The port of 127.0.0.1 that gets reports of outcomes. Without it no program hears them. */
  readonly outcomesPort?: number;
  /** The daemon's application; `website` if absent. */
  readonly application?: string;
  readonly allowForce?: boolean;
  readonly tls?: { readonly key: string; readonly certificate: string } | undefined;
}

/**
 * The shipped site with its places filled in. Another application is made by the command in the site's first
 * lines.
 */
export function fillSite(places: ApachePlaces): string {
  const { directory, port, application = "website", allowForce = false, tls } = places;
  let text = readFileSync(join(EXAMPLE, "website.conf"), "utf8").replaceAll("website", application);
  const fill = (from: string, to: string) => {
    if (text.split(from).length !== 2) throw new Error(`the example should have one ${from}`);
    text = text.replace(from, () => to);
  };
  for (const [name, was] of [
    ["master", "127.0.0.1:8080"],
    ["canary", "127.0.0.1:8081"],
  ] as const) {
    const define = `Define ${application}_${name}`;
    fill(`${define} ${was}\n`, `${define} ${application}-${name}\n`);
    const proxy = `http://\${${application}_${name}}">\n`;
    fill(`<Proxy "${proxy}`, `<Proxy "unix:${places[name]}|${proxy}`);
  }
  fill(`_map /var/lib/maxwells-daemon/apache.map\n`, `_map ${mapPath(directory)}\n`);
  fill(`/var/lib/maxwells-daemon/maintenance/${application}\n`, `${places.maintenanceFile}\n`);
  fill("/usr/share/maxwells-daemon/maintenance\n", `${join(directory, "share/maintenance")}\n`);
  fill("/usr/share/maxwells-daemon/maxwells-daemon-digits.map\n", `${join(directory, "share/digits.map")}\n`);
  fill("/var/log/apache2/", `${directory}/`);
  const outcomes = `-n 127.0.0.1 -P ${places.outcomesPort ?? UNHEARD_PORT} `;
  fill(
    '\n    GlobalLog "|/usr/bin/logger -n 127.0.0.1 -P 6298 ',
    `\n    GlobalLog "|/usr/bin/logger ${outcomes}`,
  );
  fill(
    '\n    #GlobalLog "|/usr/bin/logger -n 127.0.0.1 -P 6298 ',
    `\n    #GlobalLog "|/usr/bin/logger ${outcomes}`,
  );
  if (allowForce) fill(`#Define ${application}_may_force\n`, `Define ${application}_may_force\n`);
  const ssl =
    tls === undefined
      ? ""
      : `SSLEngine on\nSSLCertificateFile ${tls.certificate}\nSSLCertificateKeyFile ${tls.key}\n`;
  fill("<VirtualHost *:80>\n", `Listen 127.0.0.1:${port}\n<VirtualHost *:${port}>\n${ssl}`);
  return text;
}

/**
 * Installs what belongs beside the site, as the README says: the page, the digits, and an empty map for the
 * first start.
 */
export function installFiles(directory: string): void {
  mkdirSync(join(directory, "share/maintenance"), { recursive: true });
  copyFileSync(join(EXAMPLE, "maintenance.html"), join(directory, "share/maintenance/maintenance.html"));
  copyFileSync(join(EXAMPLE, "maxwells-daemon-digits.map"), join(directory, "share/digits.map"));
  if (!existsSync(mapPath(directory))) writeFileSync(mapPath(directory), "");
}

/** Lets httpd's own user, which is not root, into a test's own files. */
export function openTo(home: Pick<DaemonHome, "directory">, sockets: readonly string[]): void {
  for (const path of [home.directory, ...sockets.map(dirname)]) chmodSync(path, 0o755);
  for (const socket of sockets) if (existsSync(socket)) chmodSync(socket, 0o777);
}

// Debian loads these, or does after the `a2enmod` of the README.
const LOADED = [
  ...["authz_core", "alias", "mime", "dir", "setenvif", "reqtimeout"],
  ...["rewrite", "headers", "proxy", "proxy_http", "socache_shmcb", "ssl"],
];

/** A whole configuration around a site, of two processes. */
export function wholeConfiguration(directory: string, site: string, mpm: Mpm = "event"): string {
  const threads =
    mpm === "prefork"
      ? "StartServers 64\nServerLimit 64\nMaxRequestWorkers 64\nMinSpareServers 1\nMaxSpareServers 64"
      : "";
  const processes = `StartServers 2\nServerLimit 2\nThreadsPerChild 64\nThreadLimit 64\nMaxRequestWorkers 128\nMinSpareThreads 1\nMaxSpareThreads 128`;
  return `ServerRoot ${directory}
DefaultRuntimeDir ${directory}
PidFile ${join(directory, "apache.pid")}
ErrorLog ${join(directory, "apache.log")}
LogLevel warn
ServerName localhost
Mutex file:${directory} default
TypesConfig /dev/null
AddType text/html .html
MaxKeepAliveRequests 0
KeepAliveTimeout 60
${process.getuid?.() === 0 ? "User www-data\nGroup www-data" : ""}
LoadModule mpm_${mpm}_module ${MODULES}/mod_mpm_${mpm}.so
${LOADED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join("\n")}
${mpm === "prefork" ? threads : processes}
${site}`;
}

export interface Apache extends ProxyProcess {
  /** Reloads its configuration, as `apache2ctl graceful` does. */
  reload(): void;
}

/** Starts an httpd; resolves when it listens on `port`. Its log is what it wrote to its error log. */
export async function startApache(directory: string, port: number, configuration: string): Promise<Apache> {
  const path = join(directory, "apache.conf");
  writeFileSync(path, configuration);
  // In a group of its own: prefork's parent ends its whole group with itself.
  const child = Bun.spawn(["setsid", HTTPD, "-f", path, "-DFOREGROUND"], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const running = await whenListening("Apache", child, port, { endsBy: "SIGTERM" });
  return {
    ...running,
    log: () => readFileSync(join(directory, "apache.log"), "utf8"),
    reload: () => running.signal("SIGUSR1"),
  };
}
