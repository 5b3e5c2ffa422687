/**
 * GitHub's step that waits for a release: actionlint reads the files at the places that their page gives
 * them, and the step's script runs beside a store, for each end of a release.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { YAML } from "bun";
import { codeIn } from "../../support/page-program.ts";
import { fileOf, INTEGRATIONS, World } from "./world.ts";

const ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";
const ROOT = join(INTEGRATIONS, "..");

/** Go compiles it at the first run. */
const BUILD_MS = 240_000;

interface Step {
  readonly run: string;
  readonly env: Readonly<Record<string, string>>;
}
const ACTION = YAML.parse(fileOf("github/action.yml")) as {
  readonly runs: { readonly steps: readonly Step[] };
};

const hasGo = Bun.which("go") !== null;
if (!hasGo && process.env["CI"]) throw new Error("Go is not installed");

test.skipIf(!hasGo)(
  "actionlint finds no fault in the files, nor in the workflows of this repository",
  async () => {
    const repository = mkdtempSync(join(tmpdir(), "workflows-"));
    try {
      const folder = join(INTEGRATIONS, "github");
      const commands = codeIn(fileOf("github/README.md"), "sh")
        .replaceAll(/ (action\.yml|canary\.yml|maxwells-daemon\.toml) /g, ` ${folder}/$1 `)
        .replaceAll(/ (\.github\S*|maxwells-daemon\.toml)$/gm, ` ${repository}/$1`);
      const copied = Bun.spawnSync(["sh", "-e", "-c", commands]);
      expect([copied.exitCode, String(copied.stderr)]).toEqual([0, ""]);
      mkdirSync(join(repository, ".git"));
      for (const cwd of [repository, ROOT]) {
        const lint = ["go", "run", ACTIONLINT, "-shellcheck", Bun.which("shellcheck") ?? "shellcheck"];
        const child = Bun.spawn(lint, { cwd, stdout: "pipe", stderr: "pipe" });
        const texts = await Promise.all([
          new Response(child.stdout).text(),
          new Response(child.stderr).text(),
        ]);
        const findings = texts.join("").replaceAll(/^go: downloading .*\n/gm, "");
        expect([await child.exited, findings]).toEqual([0, ""]);
      }
    } finally {
      rmSync(repository, { recursive: true });
    }
  },
  BUILD_MS,
);

describe("the step that waits for a release", () => {
  let world: World;
  beforeAll(() => {
    world = new World();
    world.install("github/maxwells-daemon.toml", "maxwells-daemon.toml");
  });
  afterAll(() => world.remove());

  /** As GitHub runs a step of bash, with the inputs in their places. */
  async function step(timeout: string) {
    const [{ run, env } = { run: "", env: {} }] = ACTION.runs.steps;
    const inputs: Record<string, string> = { config: "maxwells-daemon.toml", timeout };
    const filled = Object.entries(env).map(([name, value]) => [
      name,
      value.replaceAll(/\$\{\{ inputs\.(\w+) \}\}/g, (_, input: string) => inputs[input] ?? ""),
    ]);
    const [script, output, summary] = ["step.sh", "output", "summary"].map((name) =>
      join(world.directory, name),
    ) as [string, string, string];
    writeFileSync(script, run);
    writeFileSync(output, "");
    writeFileSync(summary, "");
    const files = { GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary };
    const bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", script];
    const ran = await world.run(bash, {
      ...(Object.fromEntries(filled) as Record<string, string>),
      ...files,
    });
    return { ...ran, output: readFileSync(output, "utf8"), summary: readFileSync(summary, "utf8") };
  }

  /** The workflow's own command. No daemon leads here. */
  const start = (of: string) => {
    world.write({ canary: 0 });
    const [, command = ""] =
      /run: \|\n +(maxwells-daemon release[^$]*)/.exec(fileOf("github/canary.yml")) ?? [];
    const words = command.split(/\s+/).filter((word) => !/^["\\]*$/.test(word));
    return world.run([...words, of, "-unattended"]);
  };

  test("has the state of each end of a release, and fails unless it is promoted", async () => {
    expect(await start("v42")).toMatchObject({ status: 0 });
    const running = await step("1s");
    expect(running).toMatchObject({ status: 5, output: "state=running\n" });
    expect(running.summary).toMatch(/^```\nrelease 1 .*v42[\s\S]*```\n$/);
    expect(running.stdout).toContain("::error title=maxwells-daemon::");

    expect(await world.command("pause")).toMatchObject({ status: 0 });
    expect(await step("5m")).toMatchObject({ status: 6, output: "state=paused\n" });
    for (const to of ["5%", "25%", "50%", "100%"]) {
      expect(await world.command("promote", "-resume", "-to", to)).toMatchObject({ status: 0 });
    }
    const promoted = await step("5m");
    expect(promoted).toMatchObject({ status: 0, output: "state=promoted\n" });
    expect(promoted.stdout).not.toContain("::error");
    expect(await world.command("abort")).toMatchObject({ status: 0 });
    expect(await step("5m")).toMatchObject({ status: 9, output: "state=aborted\n" });
  }, 60_000);

  test("sees the end of a release under way, and says unknown if there is no release", async () => {
    expect(await start("v43")).toMatchObject({ status: 0 });
    const waiting = step("5m");
    expect(await world.command("abort", "-m", "INC-42")).toMatchObject({ status: 0 });
    expect(await waiting).toMatchObject({ status: 9, output: "state=aborted\n" });
    world.write({ canary: 0 });
    expect(await step("1s")).toMatchObject({ status: 1, output: "state=unknown\n" });
    rmSync(world.storePath);
    expect(await step("1s")).toMatchObject({ status: 1, output: "state=unknown\n" });
  }, 60_000);
});
