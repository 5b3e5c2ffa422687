/** The pages of the manual, as a program for manuals reads them. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { manualPages } from "../scripts/package/manual.ts";
import { sourceDate } from "../scripts/package/source-date.ts";
import type { Command } from "../src/cli/command.ts";
import { helpParts } from "../src/cli/help-parts.ts";
import { COMMANDS } from "../src/cli/list.ts";

const DATE = new Date("2026-11-30T12:00:00Z");

const isMissing = Bun.which("mandoc") === null;
if (isMissing && process.env["CI"]) throw new Error("mandoc is not installed; apt-get install mandoc");
if (isMissing) console.warn("skipped: the manual: mandoc is not installed");

function mandoc(...words: string[]): string {
  const { stdout, stderr } = Bun.spawnSync(["mandoc", ...words], { stdout: "pipe", stderr: "pipe" });
  return `${stdout}${stderr}`;
}

/** The words of a page as a reader sees them. */
function wordsOf(path: string): string {
  // Bold is a letter, a backspace and the letter.
  const pieces = mandoc("-T", "utf8", "-O", "width=900", path).split("\b");
  const last = pieces.length - 1;
  const plain = pieces.map((piece, index) => (index < last ? piece.slice(0, -1) : piece)).join("");
  return plain.replaceAll(/\s+/g, " ");
}

describe.skipIf(isMissing)("the manual", () => {
  const directory = mkdtempSync(join(tmpdir(), "manual-"));
  const pathOf = (name: string) => join(directory, name);

  beforeAll(() => {
    for (const [name, text] of manualPages(COMMANDS, DATE)) writeFileSync(pathOf(name), text);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test("has a page for the daemon and one for each command, and mandoc finds no fault in them", () => {
    const names = readdirSync(directory);
    expect(names.toSorted()).toEqual(
      ["maxwells-daemon.1", ...COMMANDS.commands.map(({ name }) => `maxwells-daemon-${name}.1`)].toSorted(),
    );
    expect(mandoc("-T", "lint", ...names.map(pathOf))).toBe("");
  });

  test.each([COMMANDS.daemon, ...COMMANDS.commands].map((command) => [command.name, command] as const))(
    "the page of %p shows each flag, argument, status and example of the help",
    (name, command) => {
      const words = wordsOf(pathOf(name === "" ? "maxwells-daemon.1" : `maxwells-daemon-${name}.1`));
      const { flags, positionals, exits, examples, summary } = helpParts(command, COMMANDS);
      const rows = [...positionals, ...exits, ...examples.map(({ line, meaning }) => [line, meaning])];
      const texts = flags.flatMap((group) => group.flags.flatMap((flag) => [`-${flag.name}`, flag.summary]));
      for (const text of [summary, ...texts, ...rows.flat()]) {
        expect(words).toContain(text.replaceAll(/\s+/g, " "));
      }
    },
  );

  test("a text that roff would obey is shown as it is", () => {
    const nasty = ".so /etc/passwd";
    const text = "'quoted' first. Then \\fB and \\n(.x, `a` - \"b\", and …\n  .TH evil 1\n  'br\nThe end.";
    const command: Command = {
      ...{ name: "nasty", summary: nasty, description: text, positionals: [], options: [] },
      examples: [{ line: 'nasty "a b" \\x', meaning: nasty }],
      run: async () => 0,
    };
    const page = manualPages({ daemon: COMMANDS.daemon, commands: [command] }, DATE).get(
      "maxwells-daemon-nasty.1",
    );
    writeFileSync(pathOf("nasty.1"), page ?? "");
    try {
      expect(mandoc("-T", "lint", pathOf("nasty.1"))).toBe("");
      const words = wordsOf(pathOf("nasty.1"));
      for (const part of [
        nasty,
        "'quoted' first.",
        '\\fB and \\n(.x, `a` - "b", and …',
        ".TH evil 1 'br The end.",
      ]) {
        expect(words).toContain(part);
      }
      expect(words).toContain('maxwells-daemon nasty "a b" \\x');
    } finally {
      rmSync(pathOf("nasty.1"));
    }
  });
});

test("the date of the pages is that of the sources, so the same sources give the same pages", () => {
  expect(sourceDate({ SOURCE_DATE_EPOCH: "1790000000" }).toISOString()).toBe("2026-09-21T14:13:20.000Z");
  expect(sourceDate({})).toEqual(sourceDate({ SOURCE_DATE_EPOCH: "soon" }));
});
