/**
 * `npm test`: everything that must pass before a change lands.
 *
 *     install what the tests need (as root on Debian), then
 *     format and lint, types, tests, the build of the executable and a smoke test of it
 *
 * Where something is missing and may not be installed, the tests that need it are left out and named, with the way to
 * get it; with CI set nothing may be left out. The last line is `N passed, N failed`.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const isCi = Boolean(process.env["CI"]);

/** What tests need of the system: how to see that it is there, the Debian package, and which tests want it. */
const NEEDS = [
  { tool: "nginx", present: () => Bun.which("nginx") !== null, packages: ["nginx"], tests: "nginx" },
  {
    tool: "nginx's Lua module",
    present: () => existsSync("/usr/lib/nginx/modules/ngx_http_lua_module.so"),
    packages: ["libnginx-mod-http-lua"],
    tests: "nginx",
  },
  {
    tool: "HAProxy",
    present: () => existsSync("/usr/sbin/haproxy"),
    packages: ["haproxy"],
    tests: "HAProxy",
  },
  {
    tool: "Java 17",
    present: () => Bun.which("java") !== null,
    packages: ["openjdk-17-jre-headless"],
    tests: "DynamoDB",
  },
  {
    tool: "systemd-analyze",
    present: () => Bun.which("systemd-analyze") !== null,
    packages: ["systemd"],
    tests: "systemd",
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
] as const;

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

async function testsOf(name: string, paths: readonly string[]): Promise<void> {
  console.log(`\n── ${name}`);
  const child = Bun.spawn([process.execPath, "test", "--timeout", "30000", ...paths], {
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
    process.stderr.write(text);
  }
  const status = await child.exited;
  const count = (pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? 0);
  passed += count(PASSED);
  failed += count(FAILED);
  if (status !== 0 && count(FAILED) === 0) failed++;
  // Cases of a contract suite that cannot apply, as writing to a constant. A tool that is missing in CI is a failure
  // where it is missed.
  if (count(SKIPPED) > 0) console.log(`── ${count(SKIPPED)} cases do not apply; their names say why`);
}

/** Installs what is missing where that is possible; returns what is still missing. */
async function install(): Promise<(typeof NEEDS)[number][]> {
  const missing = () => NEEDS.filter((need) => !need.present());
  const packages = missing().flatMap((need) => need.packages);
  if (packages.length > 0 && process.getuid?.() === 0 && Bun.which("apt-get") !== null) {
    console.log(`── installing ${packages.join(", ")}`);
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
  return missing();
}

const missing = await install();
for (const need of missing) {
  console.log(
    `── left out: the tests of ${need.tests} need ${need.tool}: apt-get install ${need.packages.join(" ")}`,
  );
  if (isCi) failed++;
}

await step("format and lint", ["node_modules/.bin/biome", "check", "--error-on-warnings", "."]);
await step("types", ["node_modules/.bin/tsc", "--noEmit"]);
await testsOf("tests", ["test"]);
await step("the executable, and a smoke test of it", [process.execPath, "scripts/build.ts"]);

console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
