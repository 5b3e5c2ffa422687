/** Completions, asked in the shells themselves. They start the program, as they do at a keyboard. */

import { describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { delimiter, dirname } from "node:path";
import { COMMANDS } from "../../../src/cli/list.ts";
import { PROGRAM } from "../../support/program.ts";
import { run, temporaryDirectory } from "../run.ts";

const PROGRAM_DIRECTORY = dirname(PROGRAM);

/** The limit in the program, and its start on a machine that is busy. */
const PROMPTLY_MS = 5_000;

/** Two applications, and a name that a shell would run. */
const ROLLOUTS = { website: { blue: 0.1, green: 0.2, "$(touch ran)": 0.3 }, shop: { canary: 0 } };

async function script(shell: string): Promise<string> {
  return (await run(["completion", shell])).stdout;
}

function spawn(
  command: readonly string[],
  input?: string,
): { stdout: string; stderr: string; status: number } {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...command], {
    stdin: input === undefined ? "ignore" : Buffer.from(input),
    env: { ...process.env, PATH: `${PROGRAM_DIRECTORY}${delimiter}${process.env["PATH"]}` },
  });
  return { stdout: String(stdout), stderr: String(stderr), status: exitCode };
}

/** Skipped if the shell is not installed; on CI it has to be. */
function needs(shell: string) {
  const isMissing = Bun.which(shell) === null && process.env["CI"] === undefined;
  if (isMissing) process.stderr.write(`completion for ${shell} is not tested: ${shell} is not installed\n`);
  return test.skipIf(isMissing);
}

describe("bash", () => {
  /** The words that bash offers in place of the last one. */
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
    for (const { name } of COMMANDS.commands) expect(words).toContain(name);
    for (const { name } of COMMANDS.daemon.options) expect(words).toContain(`-${name}`);
    expect(words).not.toContain("-expect");
  });

  bash("completes a command, a flag of it, and with two dashes as well", async () => {
    expect(await offered("sta")).toEqual(["status"]);
    expect(await offered("set", "canary", "5%", "-ex")).toEqual(["-expect"]);
    expect(await offered("set", "--fail")).toEqual(["--failsafe"]);
    expect(await offered("-allow")).toEqual(["-allow-force"]);
  });

  bash("knows the signs that a person can clear", async () => {
    expect(await offered("release", "-clear", "")).toEqual(["split", "back", "place", "crowd"]);
  });

  bash("knows fixed values, behind a space and behind an equals sign", async () => {
    expect(await offered("-log-format", "")).toEqual(["text", "json"]);
    expect(await offered("set", "-failsafe", "=", "h")).toEqual(["hold"]);
    expect(await offered("get", "-failsafe", "=")).toEqual(["master", "hold"]);
    expect(await offered("get", "-o", "j")).toEqual(["json"]);
    expect(await offered("completion", "z")).toEqual(["zsh"]);
    expect(await offered("help", "qui")).toEqual(["quickstart"]);
  });

  bash("knows the applications and the versions in the store", async () => {
    using directory = temporaryDirectory();
    const path = directory.path("rollouts.json");
    writeFileSync(path, JSON.stringify(ROLLOUTS));
    // bash takes the colon for the end of a word.
    const store = ["-store", "file", ":", path];
    expect(await offered("set", ...store, "-application", "")).toEqual(["shop", "website"]);
    expect(await offered("set", ...store, "-application", "=", "w")).toEqual(["website"]);
    expect(await offered(...store, "get", "-application", "website", "")).toEqual([
      "blue",
      "green",
      "maintenance",
    ]);
    expect(existsSync("ran")).toBe(false);
  });

  bash("does without a store that hangs", async () => {
    await using server = await silentServer();
    const beginMs = performance.now();
    const words = await offered(
      "set",
      "-store",
      "http",
      ":",
      `//127.0.0.1`,
      ":",
      `${server.port}/r.json`,
      "",
    );
    expect(performance.now() - beginMs).toBeLessThan(PROMPTLY_MS);
    expect(words).toEqual(["canary", "maintenance"]);
  });

  bash("offers files for a path, and nothing for a free value", async () => {
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

  /** The words that zsh would describe in place of the last one, as `word:meaning`. */
  async function described(...words: string[]): Promise<string[]> {
    const asked = `compdef() { }
      ${await script("zsh")}
      _describe() { print -rl -- "\${(@P)2}" }
      words=(maxwells-daemon ${words.map((word) => `'${word}'`).join(" ")}); CURRENT=$#words
      _maxwells_daemon`;
    const { stdout, stderr } = spawn(["zsh", "-f", "-c", asked]);
    expect(stderr).toBe("");
    return stdout.trim().split("\n");
  }

  needs("zsh")("describes commands, flags, fixed values and versions", async () => {
    expect(await described("sta")).toEqual([
      "status:print the state of running daemons: rollouts, releases, age, store, counts",
    ]);
    expect((await described("set", "canary", "-exp"))[0]).toStartWith("-expect:go on only if");
    expect(await described("-log-format=")).toEqual(["-log-format=text", "-log-format=json"]);
    expect(await described("get", "-store", "constant:0.1", "can")).toEqual(["canary"]);
    expect(await described("-delay", "")).toEqual([""]);
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

  fish("offers files and versions", async () => {
    const asked = `${await script("fish")}
      complete -C 'maxwells-daemon -config=/etc/passwd'
      complete -C 'maxwells-daemon get -store constant:0.1 can'`;
    const { stdout, stderr } = spawn(["fish", "-N", "-c", asked]);
    expect(stderr).toBe("");
    expect(stdout).toContain("-config=/etc/passwd\n");
    expect(stdout).toEndWith("canary\n");
  });
});

describe("the hidden command", () => {
  const complete = (...words: string[]) => run(["__complete", "bash", ...words]);

  test("is on no page of help", async () => {
    expect((await run(["help"])).stdout).not.toContain("__complete");
    expect((await run(["help", "__complete"])).status).toBe(2);
    expect((await run(["zzzzzzzz"])).stderr).not.toContain("__complete");
  });

  test("prints no message, whatever is wrong", async () => {
    using directory = temporaryDirectory();
    for (const words of [
      ["set", "-store", "file:/nowhere/rollouts.json", ""],
      ["set", "-store", "redis://user:hunter2@127.0.0.1:1/", ""],
      ["set", "-store", "no-such-kind:", ""],
      ["set", "-config", directory.path("none.toml"), ""],
      ["set", "-nonsense", "-store", "constant:0.1", ""],
    ]) {
      expect(await complete(...words), words.join(" ")).toEqual({
        status: 0,
        stdout: "canary\nmaintenance\n",
        stderr: "",
      });
    }
    expect(await complete("nonsense", "")).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(await run(["__complete"])).toMatchObject({ status: 0, stderr: "" });
  });

  test("treats a flag for help as any other word", async () => {
    expect((await complete("get", "-hel")).stdout).toBe("-help\n");
    expect((await complete("-h", "sta")).stdout).toBe("status\n");
  });

  test("takes the store of the environment and of the machine's file", async () => {
    using directory = temporaryDirectory();
    const path = directory.path("rollouts.json");
    writeFileSync(path, JSON.stringify(ROLLOUTS));
    const env = { MAXWELLS_DAEMON_STORE: `file:${path}`, MAXWELLS_DAEMON_APPLICATION: "website" };
    expect((await run(["__complete", "bash", "remove", "g"], env)).stdout).toBe("green\n");
    const config = directory.path("md.toml");
    writeFileSync(config, `store = "file:${path}"\n`);
    const named = await run(["__complete", "bash", "ask", "-config", config, "-application", "s"]);
    expect(named.stdout).toBe("shop\n");
  });

  test("completes the names of plans, and a file with plans hides no version", async () => {
    using directory = temporaryDirectory();
    const config = directory.path("md.toml");
    writeFileSync(config, '[plans.checkout]\nsteps = "1%:1m,100%:1h"\n');
    expect((await complete("plan", "-config", config, "")).stdout).toBe("default\ncheckout\n");
    expect((await complete("get", "-config", config, "-store", "constant:0.1", "can")).stdout).toBe(
      "canary\n",
    );
  });

  test("gives the store the variables of the environment, such as PGPASSWORD", async () => {
    await using server = await passwordServer();
    const store = `postgres://ada@127.0.0.1:${server.port}/rollouts`;
    const { stdout } = await run(["__complete", "bash", "get", "-store", store, ""], {
      PGPASSWORD: "hunter2",
    });
    expect(stdout).toBe("canary\nmaintenance\n");
    expect(server.passwords).toContain("hunter2");
  });

  test("loads no module, because the line is not run yet", async () => {
    using directory = temporaryDirectory();
    const module = directory.path("store.ts");
    const marker = directory.path("loaded");
    writeFileSync(module, `require("node:fs").writeFileSync(${JSON.stringify(marker)}, "");`);
    expect((await complete("set", "-store", module, "")).stdout).toBe("canary\nmaintenance\n");
    expect(existsSync(marker)).toBe(false);
  });

  test("offers no word for a placeholder that only names one", async () => {
    expect((await complete("doctor", "-proxy", "")).stdout).toBe("");
  });
});

/** Asks as PostgreSQL does for a password in clear text, keeps it, and lets no client in. */
async function passwordServer() {
  const passwords: string[] = [];
  const askForPassword = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(askForPassword);
      // A type, a length, the password, and a NUL.
      socket.once("data", (reply: Buffer) => {
        passwords.push(reply.subarray(5, -1).toString());
        socket.destroy();
      });
    });
  });
  const port = await listening(server);
  return {
    ...{ port, passwords },
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

/** Takes connections and says nothing. */
async function silentServer(): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer();
  return {
    port: await listening(server),
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as { port: number }).port;
}
