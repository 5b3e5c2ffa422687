/** Help with words: groups of flags, the glossary, and hints at misspelt stores. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { grouped } from "../../src/cli/flag-groups.ts";
import { COMMANDS } from "../../src/cli/list.ts";
import { TOPICS, WORDS } from "../../src/cli/topics.ts";
import { STORES } from "../../src/stores/list.ts";
import { run } from "./run.ts";

test("every flag of the daemon stands under a title, once", () => {
  const { options } = COMMANDS.daemon;
  const groups = grouped(options);
  expect(groups.flatMap((group) => group.options).length).toBe(options.length);
  expect(groups.map(({ title }) => title)).not.toContain("Flags");
});

describe("the glossary", () => {
  test("explains each word that design and commands use", async () => {
    const { status, stdout } = await run(["help", "words"]);
    expect(status).toBe(0);
    for (const word of [
      "arc",
      "assignment",
      "lease",
      "hold",
      "offset",
      "location",
      "rollout",
      "snapshot",
      "store",
    ]) {
      expect(stdout).toMatch(new RegExp(`^  ${word} `, "m"));
    }
    expect(new Set(WORDS.map(([word]) => word)).size).toBe(WORDS.length);
  });

  test("is short, and explains a word before another word needs it", async () => {
    expect(WORDS.length).toBeLessThanOrEqual(15);
    for (const [index, [word, meaning]] of WORDS.entries()) {
      for (const [later] of WORDS.slice(index + 1)) {
        expect(meaning, `${word} is explained by ${later}`).not.toMatch(new RegExp(`\\b${later}s?\\b`));
      }
    }
  });

  test("is named at the end of each page of help", async () => {
    for (const words of [["help"], ["help", "set"], ["status", "-h"]]) {
      expect((await run(words)).stdout).toEndWith(
        "maxwells-daemon help words explains arc, offset, lease and the other words.\n",
      );
    }
  });

  test("help stores shows how each kind is written", async () => {
    const { stdout } = await run(["help", "stores"]);
    for (const { usage } of STORES) expect(stdout).toContain(usage);
  });

  test("help names its pages, and the one that was probably meant", async () => {
    const { stdout } = await run(["help"]);
    for (const name of Object.keys(TOPICS)) expect(stdout).toContain(`help ${name}`);
    expect((await run(["help", "wrods"])).stderr).toContain('"wrods": no such page; did you mean words?');
    expect((await run(["help", "constructor"])).status).toBe(2);
  });
});

test.each([
  ["rollouts.json", "did you mean file:rollouts.json?"],
  ["./r.json", "did you mean file:./r.json?"],
  ["/etc/r.json", "did you mean file:/etc/r.json?"],
  ["/etc/rollouts", "did you mean file:/etc/rollouts?"],
  ["file", "a kind of store needs its place too; write file:PATH\n"],
  ["redsi://localhost", "did you mean redis?"],
  ["zzzzzzzzzz:", "the kinds are dynamodb, file, redis"],
])("-store %s is refused in a line, with what was meant", async (address, hint) => {
  const { status, stderr } = await run(["get", "-store", address]);
  expect(status).toBe(2);
  expect(stderr).toContain(hint);
  for (const line of stderr.split("\n")) expect(line.length).toBeLessThan(230);
});

test("no page of help has a line that a terminal would break twice", async () => {
  for (const { name } of COMMANDS.commands) {
    const { stdout } = await run(["help", name]);
    for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(160);
  }
});

test("a user without USER, as in cron, is named from the user database", async () => {
  const { authorOf } = await import("../../src/cli/records/author.ts");
  const io = { stdout: { write() {} }, stderr: { write() {} } };
  const uid = String(process.getuid?.());
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((each) => each.split(":")[2] === uid);
  expect(authorOf({ ...io, env: {} })).toStartWith(`${line?.split(":")[0]}@`);
  expect(authorOf({ ...io, env: { LOGNAME: "cron" } })).toStartWith("cron@");
  expect(authorOf({ ...io, env: { SUDO_USER: "ada", USER: "root" } })).toStartWith("ada@");
});
