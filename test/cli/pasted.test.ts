/**
 * The commands that the program prints are pasted into a real shell, and change the store of the command that
 * printed them. The configuration file names another store with the same release, which stays as it is.
 */

import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { DaemonHome } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { recordOf } from "./release-file.ts";
import { type Run, run, temporaryDirectory } from "./run.ts";

const BIN = resolve(import.meta.dir, "../../bin");

const directory = temporaryDirectory();
afterAll(() => directory[Symbol.dispose]());

/** A shell reads this path only in quotes. */
const path = directory.path("Ada's rollouts.json");
const store = `file:${path}`;
const otherPath = directory.path("other.json");
const config = directory.path("daemon.toml");
writeFileSync(config, `store = "file:${otherPath}"\n`);

const write = (canary: object) => {
  for (const each of [path, otherPath]) writeFileSync(each, JSON.stringify({ app: { canary } }));
};
beforeEach(() => write(recordOf()));

const recordIn = (file: string) => JSON.parse(readFileSync(file, "utf8"))["app"]["canary"];
const command = (...argv: string[]): Promise<Run> =>
  run([...argv, "-store", store], {}, undefined, { defaultConfigFile: config });

/** The command behind these words, with the lines that belong to it. */
function commandBehind(words: string, text: string): string {
  const at = text.indexOf(words);
  const [found] = /maxwells-daemon (?:[^\n\\]|\\[^\n]|\\\n)*/.exec(text.slice(Math.max(0, at))) ?? [];
  if (at < 0 || found === undefined) throw new Error(`no ${words} in ${text}`);
  return found;
}

/** Runs it in a shell, in another directory. */
async function paste(text: string): Promise<{ readonly status: number; readonly said: string }> {
  const env = { ...process.env, PATH: `${BIN}:${process.env["PATH"]}`, MAXWELLS_DAEMON_CONFIG: config };
  const shell = Bun.spawn(["sh", "-c", text], { cwd: "/", env, stdout: "pipe", stderr: "pipe" });
  const [out, error, status] = await Promise.all([
    new Response(shell.stdout).text(),
    new Response(shell.stderr).text(),
    shell.exited,
  ]);
  return { status, said: out + error };
}

describe("a pasted command writes the store of the command that printed it", () => {
  test.each<[string, readonly string[], string, object]>([
    ["a refusal of set", ["set", "canary", "25%"], "to go to the next step, 25%:", { rollout: 0.25 }],
    ["the page of a release, in several lines", ["release"], "to take everyone back:", { rollout: 0 }],
    ["a refusal of finish", ["finish", "-deployed", "v42"], "to take everyone back:", { rollout: 0 }],
  ])("%s", async (_, argv, words, after) => {
    const { stdout, stderr } = await command(...argv);
    const other = readFileSync(otherPath, "utf8");
    expect(await paste(commandBehind(words, stdout + stderr))).toMatchObject({ status: 0 });
    expect(recordIn(path)).toMatchObject(after);
    expect(readFileSync(otherPath, "utf8")).toBe(other);
  });

  test("the status of a daemon that has its store from a flag", async () => {
    const home = new DaemonHome({ application: "app", store, flags: ["-releases", "on"] });
    write(recordOf({ state: "paused", reason: "lunch" }));
    const daemon = await home.start();
    try {
      const admin = (daemon.adminUrl ?? "").replace("http://", "");
      let text = "";
      await eventually(async () => {
        text = (await run(["status", "-admin", admin])).stdout;
        return text.includes("waits for");
      }, "the release in status");
      expect(await paste(commandBehind("a person:", text))).toMatchObject({ status: 0 });
      expect(recordIn(path)["release"]).toMatchObject({ state: "running" });
      expect(recordIn(otherPath)["release"]).toMatchObject({ state: "paused" });
    } finally {
      await daemon.end();
      home.remove();
    }
  });
});

test("a password is not printed, and the pasted command says what is missing", async () => {
  const address = "redis://:secret@127.0.0.1:1";
  const printed = await run(["undo", "-store", address]);
  expect(printed.stderr).not.toContain("secret");
  const pasted = await run(["abort", "-store", "redis://***@127.0.0.1:1"]);
  expect(pasted.status).toBe(2);
  expect(pasted.stderr).toContain("*** stands for a secret that is not shown; write the secret in its place");
});
