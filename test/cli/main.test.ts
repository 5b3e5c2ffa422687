import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import packageJson from "../../package.json" with { type: "json" };
import type { Command, Program } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/list.ts";
import { parseSwitch, single } from "../../src/config/values.ts";
import { run, temporaryDirectory } from "./run.ts";

const { commands, daemon } = COMMANDS;

/** A program whose daemon only tells that it was run, and with which store. */
function withDaemonThatTells(): Program {
  const store = daemon.options.find((option) => option.name === "store");
  if (store === undefined) throw new Error("the daemon has no -store");
  return {
    commands,
    daemon: {
      ...daemon,
      async run({ io, settings }) {
        io.stdout.write(`daemon ${settings.get(store)}\n`);
        return 130;
      },
    },
  };
}

describe("which command", () => {
  test.each<[string, readonly string[], string]>([
    ["no arguments are the daemon", [], "daemon dynamodb:\n"],
    ["flags alone are the daemon", ["-store", "constant:0.5"], "daemon constant:0.5\n"],
    [
      "the flags of 2016 are the daemon",
      "-application website -table MaxwellsDaemon -region us-east-1".split(" "),
      "daemon dynamodb:\n",
    ],
  ])("%s, and its status is the program's", async (_, argv, stdout) => {
    expect(await run(argv, {}, withDaemonThatTells())).toEqual({ status: 130, stdout, stderr: "" });
  });

  test.each(["get -store constant:0.25", "-store constant:0.25 get"])(
    "a command may stand before or behind its flags: %s",
    async (line) => {
      const { status, stdout } = await run(line.split(" "));
      expect(status).toBe(0);
      expect(stdout).toContain("25%");
    },
  );

  test("an unknown word is refused, with the one that was probably meant", async () => {
    const { status, stderr, stdout } = await run(["statsu"], {}, withDaemonThatTells());
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain('"statsu": no such command; did you mean status?');
  });

  test("a wild word brings the list of commands", async () => {
    const { stderr } = await run(["xxxxxxxxxxxxxxxxx"]);
    for (const { name } of commands) expect(stderr).toContain(name);
  });

  test("the value of an unknown flag is not taken for a command", async () => {
    const { status, stderr } = await run(["-aplication", "website"]);
    expect(status).toBe(2);
    expect(stderr).toContain("did you mean -application?");
    expect(stderr).not.toContain("no such command");
  });

  test("a switch whose value stands alone brings the right spelling", async () => {
    expect((await run(["-allow-force", "false"])).stderr).toContain("-allow-force=false");
  });
});

describe("words behind a command", () => {
  test.each<[readonly string[], string]>([
    [["set"], "VERSION is missing; write maxwells-daemon set VERSION ROLLOUT"],
    [["set", "canary"], "ROLLOUT is missing"],
    [["set", "canary", "5", "%"], '"%" is one word too many'],
    [["completion"], "bash|zsh|fish is missing"],
    [["completion", "tcsh"], '"tcsh": write one of bash, zsh, fish'],
    [["version", "now"], '"now" is one word too many'],
    [["help", "nothing"], '"nothing": no such page'],
  ])("%p is refused", async (argv, message) => {
    const { status, stderr, stdout } = await run(argv);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(message);
  });

  test("problems of words and of settings come together", async () => {
    const { stderr } = await run(["set", "-store", "x:", "-failsafe", "never"]);
    expect(stderr).toContain("4 problems; nothing was done");
    for (const part of ["VERSION", "ROLLOUT", "-store", "-failsafe"]) expect(stderr).toContain(part);
  });
});

describe("help", () => {
  const names = commands.map(({ name }) => name);

  test.each(["-h", "-help", "--help"])("%s brings the daemon's page", async (flag) => {
    const { status, stdout } = await run([flag]);
    expect(status).toBe(0);
    expect(stdout).toBe((await run(["help"])).stdout);
    for (const { name, summary } of commands) {
      expect(stdout).toContain(name);
      expect(stdout).toContain(summary);
    }
  });

  test.each(names)("%s has the same page behind help and -h", async (name) => {
    const page = (await run(["help", name])).stdout;
    expect((await run([name, "-h"])).stdout).toBe(page);
    expect(page).toContain(`maxwells-daemon ${name}`);
  });

  test.each(["", ...names])("the page of %j tells every flag, its default and its variable", async (name) => {
    const command = commands.find((each) => each.name === name) ?? daemon;
    const { stdout } = await run(["help", ...(name === "" ? [] : [name])]);
    for (const option of command.options) {
      expect(stdout).toContain(`\n  -${option.name}`);
      expect(stdout).toContain(command.summaries?.[option.name] ?? option.summary);
      const fallback = command.defaults?.[option.name] ?? option.defaultText;
      if (option.placeholder !== undefined && fallback !== undefined) expect(stdout).toContain(fallback);
    }
  });

  test("the examples of every page are understood", async () => {
    for (const { options, name } of [daemon, ...commands]) {
      expect(new Set(options.map((option) => option.name)).size, name).toBe(options.length);
    }
    for (const { examples } of commands) {
      for (const { line } of examples) {
        const argv = line.replace(/ > .*/, "").split(" ");
        if (argv.includes("-config")) continue;
        expect((await run([...argv, "-h"])).status, line).toBe(0);
        expect((await run([...argv, "-nonsense"])).stderr, line).toContain("1 problem;");
      }
    }
  });

  test("help comes whatever else is wrong", async () => {
    expect((await run(["-delay", "x", "-foo", "-h"])).status).toBe(0);
  });
});

test("a command brings all that it needs in its own table: a letter, an exit status, words to complete", async () => {
  const loud = single({ name: "loud", short: "l", summary: "be loud", flagOnly: true }, parseSwitch);
  const greet: Command = {
    ...{ name: "greet", summary: "say hello", examples: [], options: [loud], exits: ["behind"] },
    positionals: [{ name: "day|night", summary: "the time of day", required: true }],
    async run({ io, settings, positionals }) {
      io.stdout.write(`hello ${positionals[0]}${settings.get(loud) ? "!" : ""}\n`);
      return 5;
    },
  };
  const program = { daemon, commands: [...commands, greet] };
  expect(await run(["greet", "-l", "day"], {}, program)).toMatchObject({ status: 5, stdout: "hello day!\n" });
  const page = (await run(["help", "greet"], {}, program)).stdout;
  expect(page).toContain("\n  -loud, -l\n");
  expect(page).toMatch(/^ {2}5 {2}/m);
  expect(page).not.toMatch(/^ {2}4 {2}/m);
  const completed = (...words: string[]) => run(["__complete", "bash", ...words], {}, program);
  expect((await completed("gr")).stdout).toBe("greet\n");
  expect((await completed("greet", "-l", "")).stdout).toBe("day\nnight\n");
});

describe("version", () => {
  test.each([["version"], ["-version"], ["--version"]])(
    "%s tells version, runtime and platform",
    async (word) => {
      const { status, stdout } = await run([word]);
      expect(status).toBe(0);
      expect(stdout).toBe(
        `maxwells-daemon ${packageJson.version} (bun ${Bun.version}, ${process.platform} ${process.arch})\n`,
      );
    },
  );

  test("-o json gives JSON", async () => {
    expect(JSON.parse((await run(["version", "-o", "json"])).stdout)).toMatchObject({
      version: packageJson.version,
    });
  });

  test("a wrong environment does not keep it from answering", async () => {
    expect((await run(["version"], { MAXWELLS_DAEMON_DELAYY: "x" })).status).toBe(0);
  });
});

describe("check", () => {
  test("tells each setting with its value and where that came from, and opens nothing", async () => {
    using directory = temporaryDirectory();
    const file = directory.path("md.toml");
    writeFileSync(file, 'delay = "2s"\n');
    const argv = ["check", "-config", file, "-socket", "/nowhere/x.sock", "-o", "json"];
    const { status, stdout } = await run(argv, { MAXWELLS_DAEMON_REGION: "eu-west-1" });
    expect(status).toBe(0);
    const { settings } = JSON.parse(stdout) as {
      settings: { name: string; values: string[]; source: string }[];
    };
    expect(settings.map(({ name }) => name)).toEqual(daemon.options.map((option) => option.name));
    const sources = Object.fromEntries(
      settings.map(({ name, source, values }) => [name, [source, ...values]]),
    );
    expect(sources).toMatchObject({
      delay: ["file", "2s"],
      region: ["environment", "eu-west-1"],
      socket: ["flag", "/nowhere/x.sock"],
      unhealthy: ["default", "8s"],
    });
    const text = (await run(argv.slice(0, -2))).stdout;
    expect(text).toMatch(new RegExp(`^-delay +2s +file ${file}: delay$`, "m"));
  });

  test("tells all problems at once and ends with 2", async () => {
    const { status, stdout, stderr } = await run([
      "check",
      "-delay",
      "10s",
      "-unhealthy",
      "9s",
      "-region",
      "A B",
    ]);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("2 problems");
  });

  test("hides passwords", async () => {
    using directory = temporaryDirectory();
    const path = directory.path("store.ts");
    writeFileSync(path, "");
    const { stdout } = await run(["check", "-logfile", "redis://user:hunter2@host/x"]);
    expect(stdout).toContain("redis://***@host/x");
    expect(stdout).not.toContain("hunter2");
  });
});

test("a bug is not hidden behind an exit status", async () => {
  const broken: Program = {
    daemon,
    commands: [{ ...daemon, name: "broken", run: () => Promise.reject(new TypeError("bug")) }],
  };
  expect(run(["broken"], {}, broken)).rejects.toThrow("bug");
});
