/** Pages, comments and messages keep the rules of plain English that a machine can check (`scripts/prose.ts`). */

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { findings, findingsIn } from "../scripts/prose.ts";

const ROOT = join(import.meta.dir, "..");

const rulesIn = (file: string, text: string) =>
  findingsIn(file, text).map(({ line, rule }) => `${line} ${rule}`);

test("no sentence of the repository breaks a rule; else see npm run prose", async () => {
  expect(await findings(ROOT)).toEqual([]);
});

describe("the script finds", () => {
  test("a sentence of a page with more than 25 words, at its first line", () => {
    const words = (count: number) => `${"a ".repeat(count - 2)}\nthe end.`;
    expect(rulesIn("a.md", `# A\n\n${words(25)}\nShort.\n`)).toEqual([]);
    expect(rulesIn("a.md", `# A\n\nShort.\n${words(26)}\n`)).toEqual(["4 long sentence"]);
  });

  test("a line that is wider than the formatter's width", () => {
    expect(rulesIn("a.md", `${"word ".repeat(20)}\nmore.\n`)).toEqual([]);
    expect(rulesIn("a.md", `${"word ".repeat(23)}\nmore.\n`)).toEqual(["1 width"]);
  });

  test("a subject without a name, and the other habits, in a page", () => {
    expect(rulesIn("a.md", "The proxy asks, and nobody answers.\n")).toEqual(["1 no name"]);
    expect(rulesIn("a.md", "Where it is off, master serves.\n")).toEqual(["1 where for if"]);
    expect(rulesIn("a.md", "What it says is true.\n")).toEqual(["1 first word"]);
    expect(rulesIn("a.md", "What does it say?\n")).toEqual([]);
    expect(rulesIn("a.md", "All go to master but for one.\n")).toEqual(["1 old word"]);
  });

  test("comments, messages and titles in code", () => {
    expect(rulesIn("a.ts", "/** Of the store. */\nconst a = 1; // Nobody asks.\n")).toEqual([
      "1 first word",
      "2 no name",
    ]);
    expect(rulesIn("a.ts", 'log.warn("the store told nobody that it ends");\n')).toEqual(["1 no name"]);
    expect(rulesIn("a.test.ts", 'test("a client that nobody answers waits", () => {});\n')).toEqual([
      "1 no name",
    ]);
  });

  test("comments in a proxy's configuration", () => {
    expect(rulesIn("a.conf", "# Asks the daemon.\n# Nobody waits.\nlisten 80;\n")).toEqual(["2 no name"]);
  });

  test("no fault in code within a page, in tables of commands, and in commented-out settings", () => {
    expect(rulesIn("a.md", "```sh\necho nobody\n```\n\n    nobody here\n\nWrite `nobody`.\n")).toEqual([]);
    expect(rulesIn("a.conf", "# user nobody;\nlisten 80;\n")).toEqual([]);
  });
});
