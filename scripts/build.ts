/**
 * Builds the program as one executable for this machine, dist/maxwells-daemon, and checks it. It starts. It
 * loads a custom store. The AWS SDK, OpenTelemetry's, and the clients of Redis, PostgreSQL and MariaDB,
 * which are imported lazily, are inside. It runs no code of the directory in which it is started. The demo
 * opens, and so the page and the files for nginx are inside.
 *
 * Build for another platform on that platform: a cross build would download its Bun.
 */

import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { HostileDirectory, INVOCATIONS } from "../test/support/hostile-directory.ts";
import { compile } from "./build/compile.ts";
import { buildPage } from "./page/build.ts";

const ROOT = resolve(import.meta.dir, "..");
const EXECUTABLE = join(ROOT, "dist/maxwells-daemon");
/** The demo has served its visitors by then, also on a busy machine. */
const DEMO_MS_MAX = 60_000;

/** The exit status after Ctrl-C. */
const INTERRUPTED = 130;

const MIB = 1024 * 1024;

/** A custom store, written without this repository. */
const OWN_STORE = `
  const snapshot = new Map([["canary", { value: 0.125, revision: "1" }]]);
  export default ({ location }) => ({ address: location, read: async () => snapshot, close: async () => {} });
`;

/** Port 9 has no listener. A refused connection shows that the SDK is inside and tried. */
const AWS = {
  AWS_ACCESS_KEY_ID: "x",
  AWS_SECRET_ACCESS_KEY: "x",
  AWS_ENDPOINT_URL: "http://127.0.0.1:9",
};

/** A daemon that answers nowhere but on a socket of its own. */
const DAEMON = [
  ...["-store", "constant:0.5", "-application", "website", "-socket", "./daemon.sock", "-config", "none"],
  ...["-state-dir", "none", "-logfile", "none", "-admin", "none", "-statsd", "none", "-outcomes", "none"],
];

/** The daemon has tried to send its metrics by then, also on a busy machine. */
const DAEMON_MS = 5_000;
const OTLP = { OTEL_METRIC_EXPORT_INTERVAL: "500" };

await buildPage(ROOT);
const problem = await compile({ root: ROOT, outfile: EXECUTABLE });
if (problem !== undefined) fail("the build failed", problem);

const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-build-"));
try {
  checkExecutable(directory);
  await checkDemo(directory);
} finally {
  rmSync(directory, { recursive: true });
}
checkDirectory();
const sizeMib = (statSync(EXECUTABLE).size / MIB).toFixed(0);
process.stdout.write(`${EXECUTABLE}  ${sizeMib} MiB  ${process.platform} ${process.arch}\n`);

/** Runs the executable in a directory without any file of this repository. */
function checkExecutable(cwd: string): void {
  expectOutput(run(cwd, ["version"]), /^maxwells-daemon \d+\.\d+\.\d+ /, "it does not start");

  writeFileSync(join(cwd, "my-store.ts"), OWN_STORE);
  const own = run(cwd, ["get", "-store", "./my-store.ts", "-o", "json"]);
  expectOutput(own, /"rollout": 0\.125/, "it does not load an operator's own store");

  const aws = run(cwd, ["get", "-store", "dynamodb:"], AWS);
  expectOutput(aws, /127\.0\.0\.1:9|ECONNREFUSED|refused|Unable to connect/i, "the AWS SDK is not inside");

  const redis = run(cwd, ["get", "-store", "redis://127.0.0.1:9"]);
  expectOutput(redis, /does not answer \(ECONNREFUSED\)/, "the client of Redis is not inside");

  const otlp = run(cwd, [...DAEMON, "-otlp", "http://127.0.0.1:9"], OTLP, DAEMON_MS);
  expectOutput(
    otlp,
    /metrics do not reach OpenTelemetry.*(ECONNREFUSED|ConnectionRefused)/,
    "OpenTelemetry's SDK is not inside",
  );

  const postgres = run(cwd, ["get", "-store", "postgres://127.0.0.1:9/rollouts"]);
  expectOutput(postgres, /ECONNREFUSED/, "PostgreSQL's client is not inside");

  const mariadb = run(cwd, ["get", "-store", "mariadb://127.0.0.1:9/rollouts"]);
  expectOutput(mariadb, /ECONNREFUSED/, "MariaDB's client is not inside");
}

/** Starts the demo, and ends it as soon as its visitors are served. */
async function checkDemo(cwd: string): Promise<void> {
  const demo = Bun.spawn([EXECUTABLE, "demo"], {
    cwd,
    env: { PATH: "/usr/bin:/bin", TMPDIR: cwd },
    ...{ stdin: "ignore", stdout: "pipe", stderr: "inherit", timeout: DEMO_MS_MAX },
  });
  let said = "";
  let page = "";
  for await (const bytes of demo.stdout) {
    said += Buffer.from(bytes).toString("utf8");
    const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(said) ?? [];
    if (url !== undefined && page === "") page = await (await fetch(`${url}page.js`)).text();
    if (said.includes("visitors are in the shop")) demo.kill("SIGINT");
  }
  const status = await demo.exited;
  if (status !== INTERRUPTED || !page.includes("EventSource")) {
    fail(
      `the executable is wrong: the demo ended with ${status}, and its page has ${page.length} bytes`,
      said,
    );
  }
}

/** Runs every command in an attacker's directory. */
function checkDirectory(): void {
  const hostile = new HostileDirectory();
  try {
    for (const command of INVOCATIONS) run(hostile.path, command, AWS);
    if (hostile.obeyed !== "") fail("the executable runs code from the current directory", hostile.obeyed);
    const settings = run(hostile.path, ["check"]);
    if (settings.includes("environment"))
      fail("the executable reads .env from the current directory", settings);
  } finally {
    hostile.remove();
  }
}

function run(
  cwd: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  timeout?: number,
): string {
  const { stdout, stderr } = Bun.spawnSync([EXECUTABLE, ...args], {
    cwd,
    env: { PATH: "/usr/bin:/bin", ...environment },
    ...(timeout === undefined ? {} : { timeout }),
  });
  return `${stdout}${stderr}`;
}

function expectOutput(output: string, expected: RegExp, problem: string): void {
  if (!expected.test(output)) fail(`the executable is wrong: ${problem}`, output);
}

function fail(message: string, details: string): never {
  process.stderr.write(`${message}\n${details}\n`);
  process.exit(1);
}
