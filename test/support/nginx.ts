/**
 * A real nginx on temporary paths, with the shipped example as its configuration: the files themselves, in
 * which only paths and addresses are filled in. If the example no longer has such a place, filling in fails.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UNHEARD_PORT } from "./port.ts";
import { type ProxyProcess, whenListening } from "./proxy-process.ts";

export const EXAMPLE = join(import.meta.dir, "../../integrations/nginx");

/** How nginx decides: Lua asks for each request, Lua has a lease, or `auth_request` asks. */
export type NginxWay = "ask" | "lease" | "auth-request";

const MODULES = "/usr/lib/nginx/modules";

/** Why nginx with Lua cannot run here, or undefined if it can. In CI it has to run, so it fails there. */
export function nginxMissing(): string | undefined {
  const missing =
    nginxPath() === undefined
      ? "nginx is not installed"
      : existsSync(join(MODULES, "ngx_http_lua_module.so"))
        ? undefined
        : "nginx has no Lua module";
  if (missing === undefined) return undefined;
  const message = `${missing}; apt-get install nginx libnginx-mod-http-lua`;
  if (process.env["CI"]) throw new Error(message);
  return message;
}

function nginxPath(): string | undefined {
  return Bun.which("nginx", { PATH: `${process.env["PATH"]}:/usr/sbin` }) ?? undefined;
}

export interface Places {
  /** The unix socket of the daemon: for `auth-request` the one where it speaks HTTP. */
  readonly daemon: string;
  /** The unix sockets of the upstreams. */
  readonly master: string;
  readonly canary: string;
  readonly maintenanceFile: string;
  /** The directory of the maintenance page. */
  readonly page: string;
  readonly allowForce?: boolean;
  /** The daemon's application, and so the site; `website` if absent. */
  readonly application?: string;
  /** The port of the nginx that stands in for the daemon; for `auth-request` alone. */
  readonly standInPort?: number;
  /** The port to which outcomes go, for `auth-request` alone; without it, one that no program listens to. */
  readonly outcomesPort?: number;
}

/** A way's two shipped files with their places filled in. */
export function fillExample(way: NginxWay, port: number, places: Places): string {
  return `${fillHttp(way, places)}\n${fillSite(way, port, places)}`;
}

/** The file for all sites, set up for one application. */
export function fillHttp(way: NginxWay, places: Places): string {
  const file = new Example(`nginx-${way}-http.conf`);
  file.fill("/var/log/nginx", dirname(places.page));
  file.fill(`/run/maxwells-daemon${way === "auth-request" ? "/http" : ""}.sock`, places.daemon);
  if (way === "auth-request") {
    file.fill("server 127.0.0.1:6297 ", `server 127.0.0.1:${places.standInPort} `);
    file.fill("listen 127.0.0.1:6297;", `listen 127.0.0.1:${places.standInPort};`);
    file.fill(
      "syslog:server=127.0.0.1:6298,",
      `syslog:server=127.0.0.1:${places.outcomesPort ?? UNHEARD_PORT},`,
    );
    return file.text;
  }
  file.fill("/var/lib/maxwells-daemon/maintenance/website", places.maintenanceFile);
  if (places.allowForce) file.fill("allow_force = false", "allow_force = true");
  return file.text.replaceAll("website", places.application ?? "website");
}

/** Adds the setup of another application's file for all sites. For `auth-request` there is none. */
export function withSetup(http: string, other: string): string {
  const SETUP = /^ *maxwells_daemon\.setup \{[\s\S]*?^ {4}\}\n/m;
  const [setup] = SETUP.exec(other) ?? [];
  return setup === undefined ? http : http.replace(SETUP, (first) => first + setup);
}

/** One site. */
export function fillSite(way: NginxWay, port: number, places: Places): string {
  const file = new Example(`nginx-${way}-site.conf`);
  file.fill("listen 80;", `listen 127.0.0.1:${port};`);
  file.fill("server 127.0.0.1:8080;", `server unix:${places.master};`);
  file.fill("server 127.0.0.1:8081;", `server unix:${places.canary};`);
  file.fill("root /usr/share/maxwells-daemon;", `root ${places.page};`);
  if (way === "auth-request") {
    file.fill(
      "/var/lib/maxwells-daemon/maintenance/website) { return",
      `${places.maintenanceFile}) { return`,
    );
    file.fill("/var/lib/maxwells-daemon/maintenance/website) { set", `${places.maintenanceFile}) { set`);
    if (places.allowForce) file.fill('maxwellsdaemon-force "";', "maxwellsdaemon-force $maxwells_force;");
  }
  // Another site, made by the command in the file's first lines.
  return file.text.replaceAll("website", places.application ?? "website");
}

/** A shipped file whose places are filled in one by one. */
class Example {
  text: string;

  constructor(name: string) {
    this.text = readFileSync(join(EXAMPLE, name), "utf8");
  }

  fill(from: string, to: string): void {
    if (this.text.split(from).length !== 2) throw new Error(`the example should have one ${from}`);
    this.text = this.text.replace(from, () => to);
  }
}

/** The same, but it reports good outcomes of one assignment in ten. */
export function withShare(example: string): string {
  const shared = example.replace("$maxwells_share { default 1; }", "$maxwells_share { default 0.1; }");
  if (shared === example) throw new Error("the example should have a share");
  return shared;
}

/** The same, for visitors who come over TLS. */
export function withTls(
  example: string,
  { key, certificate }: { readonly key: string; readonly certificate: string },
): string {
  return example.replace(
    /listen (127\S+); # CHANGE/,
    (_, address) => `listen ${address} ssl; ssl_certificate ${certificate}; ssl_certificate_key ${key};`,
  );
}

/** Puts the maintenance page where `fillExample` says that it is. */
export function installPage(directory: string): void {
  const target = join(directory, "share/maintenance");
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "maintenance.html"), readFileSync(join(EXAMPLE, "maintenance.html")));
}

/** A whole configuration around what belongs into its http block. */
export function wholeConfiguration(directory: string, http: string, workers = 1, user = "root"): string {
  // The two modules are loaded here as Debian does it in /etc/nginx/modules-enabled.
  return `
    load_module ${MODULES}/ndk_http_module.so;
    load_module ${MODULES}/ngx_http_lua_module.so;
    ${process.getuid?.() === 0 ? `user ${user};` : ""}
    worker_processes ${workers};
    daemon off;
    pid ${directory}/nginx.pid;
    error_log ${directory}/error.log warn;
    events { worker_connections 4096; }
    http {
      ${/^access_log /m.test(http) ? "" : "access_log off;"}
      client_body_temp_path ${directory}/body;
      proxy_temp_path ${directory}/proxy;
      fastcgi_temp_path ${directory}/fastcgi;
      uwsgi_temp_path ${directory}/uwsgi;
      scgi_temp_path ${directory}/scgi;
      lua_package_path "${EXAMPLE}/?.lua;;";
      ${http}
    }`;
}

/** On SIGHUP it reads its configuration again. On SIGQUIT it ends, after its workers have ended in peace. */
export interface Nginx extends ProxyProcess {
  /** Its error log so far. */
  errorLog(): string;
}

/**
 * Starts an nginx with this many workers and this http block. Resolves when it listens on `port`.
 *
 * @param user of its workers, if root starts it
 */
export async function startNginx(
  directory: string,
  port: number,
  http: string,
  workers = 1,
  user?: string,
): Promise<Nginx> {
  const configuration = join(directory, "nginx.conf");
  writeFileSync(configuration, wholeConfiguration(directory, http, workers, user));
  const child = Bun.spawn([nginxPath() ?? "nginx", "-p", directory, "-e", "stderr", "-c", configuration], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const running = await whenListening("nginx", child, port, { endsBy: "SIGTERM" });
  return { ...running, errorLog: () => readFileSync(join(directory, "error.log"), "utf8") };
}
