/** Completions, asked in the shells themselves. */

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { PROGRAM_TABLE } from "../../../src/cli/list.ts";
import { run, temporaryDirectory } from "../run.ts";

async function script(shell: string): Promise<string> {
  return (await run(["completion", shell])).stdout;
}

function spawn(
  command: readonly string[],
  input?: string,
): { stdout: string; stderr: string; status: number } {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...command], {
    stdin: input === undefined ? "ignore" : Buffer.from(input),
  });
  return { stdout: String(stdout), stderr: String(stderr), status: exitCode };
}

/** Skipped where the shell is not installed; on CI it has to be. */
function needs(shell: string) {
  const isMissing = Bun.which(shell) === null && process.env["CI"] === undefined;
  if (isMissing) process.stderr.write(`completion for ${shell} is not tested: ${shell} is not installed\n`);
  return test.skipIf(isMissing);
}

describe("bash", () => {
  /** What bash offers behind the words, the last of which is being written. */
  async function offered(...words: string[]): Promise<string[]> {
    const quoted = ["maxwells-daemon", ...words].map((word) => `'${word}'`).join(" ");
    const asked = `${await script("bash")}
      COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}
      _maxwells_daemon
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawn(["bash", "--norc", "-c", asked]);
    expect(stderr).toBe("");
    return stdout.trim().split("\n");
  }

  const bash = needs("bash");

  bash("offers all commands and the daemon's flags", async () => {
    const words = await offered("");
    for (const { name } of PROGRAM_TABLE.commands) expect(words).toContain(name);
    for (const { name } of PROGRAM_TABLE.daemon.options) expect(words).toContain(`-${name}`);
    expect(words).not.toContain("-expect");
  });

  bash("completes a command, a flag of it, and with two dashes as well", async () => {
    expect(await offered("sta")).toEqual(["status"]);
    expect(await offered("set", "canary", "5%", "-ex")).toEqual(["-expect"]);
    expect(await offered("set", "--fail")).toEqual(["--failsafe"]);
    expect(await offered("-allow")).toEqual(["-allow-force"]);
  });

  bash("knows fixed values, behind a space and behind an equals sign", async () => {
    expect(await offered("-log-format", "")).toEqual(["text", "json"]);
    expect(await offered("set", "-failsafe", "=", "h")).toEqual(["hold"]);
    expect(await offered("get", "-failsafe", "=")).toEqual(["master", "hold"]);
    expect(await offered("get", "-o", "j")).toEqual(["json"]);
    expect(await offered("completion", "z")).toEqual(["zsh"]);
    expect(await offered("help", "qui")).toEqual(["quickstart"]);
  });

  bash("offers files where a path is wanted, and nothing where a value is free", async () => {
    expect(await offered("-config", "/etc/passw")).toContain("/etc/passwd");
    expect(await offered("-delay", "")).toEqual([""]);
  });

  bash("is registered for the program", async () => {
    const { stdout } = spawn([
      "bash",
      "--norc",
      "-c",
      `${await script("bash")}\ncomplete -p maxwells-daemon`,
    ]);
    expect(stdout).toContain("-F _maxwells_daemon maxwells-daemon");
  });
});

describe("zsh", () => {
  needs("zsh")("takes the script, as a file and sourced", async () => {
    using directory = temporaryDirectory();
    const path = directory.path("_maxwells-daemon");
    writeFileSync(path, await script("zsh"));
    expect(spawn(["zsh", "-f", "-n", path])).toEqual({ stdout: "", stderr: "", status: 0 });
    const sourced = `autoload -U compinit; compinit -D -u; source ${path}; print -r -- $_comps[maxwells-daemon]`;
    expect(spawn(["zsh", "-f", "-c", sourced])).toEqual({
      stdout: "_maxwells_daemon\n",
      stderr: "",
      status: 0,
    });
  });
});

describe("fish", () => {
  const fish = needs("fish");

  fish("takes the script", async () => {
    using directory = temporaryDirectory();
    const path = directory.path("maxwells-daemon.fish");
    writeFileSync(path, await script("fish"));
    expect(spawn(["fish", "-N", "-n", path])).toEqual({ stdout: "", stderr: "", status: 0 });
  });

  fish("offers commands, flags and fixed values", async () => {
    const asked = `${await script("fish")}
      complete -C 'maxwells-daemon sta'
      complete -C 'maxwells-daemon set canary -exp'
      complete -C 'maxwells-daemon -log-format '
      complete -C 'maxwells-daemon completion '`;
    const { stdout } = spawn(["fish", "-N", "-c", asked]);
    expect(stdout.split("\n").map((line) => line.split("\t")[0])).toEqual([
      "status",
      "-expect",
      "json",
      "text",
      "bash",
      "fish",
      "zsh",
      "",
    ]);
  });
});
