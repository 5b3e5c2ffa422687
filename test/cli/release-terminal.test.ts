/** `release -watch` as a process on a real pseudo-terminal. */

import { describe, expect, test } from "bun:test";
import { EXITS } from "../../src/cli/exit.ts";
import { eventually } from "../support/eventually.ts";
import { PROGRAM } from "../support/program.ts";
import { type OnTerminal, onTerminal } from "../support/terminal.ts";
import { recordOf, releaseFile } from "./release-file.ts";

const PLAN = "1%:10m,5%:30m+ok,25%:1h+ok,50%:1h+ok,100%:1d";

function watched(env: Readonly<Record<string, string>> = { TERM: "xterm-256color" }) {
  const file = releaseFile({
    canary: recordOf({ plan: PLAN, since: new Date(Date.now() - 60_000).toISOString() }),
  });
  const terminal = onTerminal([PROGRAM, "release", "-watch", "-config", "none", "-store", file.address], env);
  return { file, terminal };
}

const shows = (terminal: OnTerminal, text: string | RegExp) =>
  eventually(() => terminal.screen.text.search(text) >= 0, `${text} on the screen:\n${terminal.screen.text}`);

describe("release -watch on a terminal", () => {
  test("shows the page, ticks, follows a new size, and ends with 130 at Ctrl-C", async () => {
    const { file, terminal } = watched();
    using _file = file;
    using _terminal = terminal;
    await shows(terminal, / \(1m\ds of 30m\)$/m);
    expect(terminal.screen.text).toMatch(
      /^release 7 \(v42\) running, step 2\/5, at 5%; it waits for .*\n(?:.*\n)?steps {5}✔ 1% {2}● 5% {2}○ 25% {2}○ 50% {2}○ 100%/m,
    );
    expect(terminal.written.split("\u001b[2J")).toHaveLength(2);
    terminal.resize(60, 24);
    await shows(terminal, /^steps {5}✔ 1% {2}● 5%/m);
    expect(terminal.screen.text).toContain("waits for time: 28m");
    terminal.resize(60, 5);
    await shows(terminal, /^…$/m);
    expect(terminal.screen.text.trimEnd().split("\n")).toHaveLength(4);
    expect(terminal.screen.isCursorVisible).toBe(true);
    terminal.type("\u0003");
    expect(await terminal.exited).toBe(130);
    expect(terminal.written).toEndWith("\r\n");
  });

  test("shows what others write, and ends with the release", async () => {
    const { file, terminal } = watched();
    using _file = file;
    using _terminal = terminal;
    await shows(terminal, "running, step 2/5");
    expect((await file.run("promote", "-expect-step", "2")).status).toBe(0);
    await shows(terminal, "running, step 3/5");
    expect((await file.run("abort", "-m", "INC-42")).status).toBe(0);
    expect(await terminal.exited).toBe(EXITS.aborted.status);
    expect(terminal.screen.text).toMatch(
      /release 7 \(v42\) aborted, step 3\/5, at 0%, by (?:.*\n){1,3}steps {5}✔ 1% {2}✔ 5% {2}✘ 25%/,
    );
    expect(terminal.screen.text.trimEnd()).toEndWith(
      "release 7 of app aborted at step 3/5: canary 25% → 0%: INC-42",
    );
  });

  test.each([
    ["no colour", { TERM: "xterm", NO_COLOR: "1" }, "\u001b[3"],
    ["plain lines on a dumb terminal", { TERM: "dumb" }, "\u001b"],
  ])("shows %s if asked so", async (_, env, never) => {
    const { file, terminal } = watched(env);
    using _file = file;
    using _terminal = terminal;
    await shows(terminal, "running");
    terminal.type("\u0003");
    expect(await terminal.exited).toBe(130);
    expect(terminal.written).not.toContain(never);
  });
});
