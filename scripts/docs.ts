/**
 * `npm run docs`: writes the pages that are made from tables in the code, and the examples in the README.
 * With `--check` it writes nothing, and exits with 1 if a page differs from the code.
 *
 *     bun scripts/docs.ts [--check] [DIRECTORY]        in another directory than this repository
 */

import { join } from "node:path";
import type { Program } from "../src/cli/command.ts";
import { helpPage } from "../src/cli/help-page.ts";
import { COMMANDS } from "../src/cli/list.ts";
import { WORDS } from "../src/cli/topics.ts";
import { promisedTable } from "../test/integration/conformance/table.ts";
import { promisedTable as promisedReports } from "../test/integration/reporting/table.ts";
import { configurationPage } from "./configuration-page.ts";
import { limitsPage } from "./limits.ts";
import { metricsPage } from "./metrics-page.ts";

const ROOT = join(import.meta.dir, "..");

/** `<!-- examples/NAME.ts -->`, and the block of code that follows it, if there is one yet. */
const EXAMPLE = /<!-- (examples\/[a-z-]+\.ts) -->\n(?:\n*```ts\n(?:.*\n)*?```\n)?/g;

/** The place of the conformance suite's table, between two comments. */
const CONFORMANCE = /(<!-- conformance: .* -->\n)[\s\S]*?(<!-- \/conformance -->)/;

/** The same for the reporting suite. */
const REPORTING = /(<!-- reporting: .* -->\n)[\s\S]*?(<!-- \/reporting -->)/;

/** The pages below `root` that differ from the code: the right text by path. */
export async function outdatedPages(root: string): Promise<Map<string, string>> {
  const pages = {
    "README.md": await withExamples(root, await textOf(join(root, "README.md"))),
    "docs/cli.md": commandsPage(COMMANDS),
    "docs/configuration.md": configurationPage(),
    "docs/limits.md": await limitsPage(ROOT),
    "docs/metrics.md": metricsPage(),
    "docs/words.md": wordsPage(),
    "integrations/README.md": withConformance(await textOf(join(root, "integrations/README.md"))),
  };
  const outdated = new Map<string, string>();
  for (const [path, text] of Object.entries(pages)) {
    if ((await textOf(join(root, path))) !== text) outdated.set(path, text);
  }
  return outdated;
}

/** The text of a page; empty if the page does not exist yet. */
async function textOf(path: string): Promise<string> {
  const file = Bun.file(path);
  return (await file.exists()) ? file.text() : "";
}

async function withExamples(root: string, page: string): Promise<string> {
  let text = page;
  for (const [found, path = ""] of page.matchAll(EXAMPLE)) {
    const code = await Bun.file(join(root, path)).text();
    text = text.replace(found, () => `<!-- ${path} -->\n\`\`\`ts\n${code}\`\`\`\n`);
  }
  return text;
}

function withConformance(page: string): string {
  return page
    .replace(CONFORMANCE, (_, begin, end) => `${begin}\n${promisedTable()}\n\n${end}`)
    .replace(REPORTING, (_, begin, end) => `${begin}\n${promisedReports()}\n\n${end}`);
}

/** All pages of help. The daemon's flags have a page of their own, so they are not here. */
function commandsPage(program: Program): string {
  const daemon = { ...program.daemon, options: [] };
  const others = program.commands.map(
    (command) => `\n## ${command.name}\n\n${fenced(helpPage(command, program))}`,
  );
  return `# Commands

<!-- Made from the tables in src/cli by \`npm run docs\`; edit those. -->

Without a command the program runs the daemon; its flags are in [configuration.md](configuration.md). \`-help\`
after a command shows its page, as here. [words.md](words.md) explains the words.

${fenced(helpPage(daemon, { ...program, daemon }))}${others.join("")}`;
}

function wordsPage(): string {
  const rows = WORDS.map(([word, meaning]) => `| ${word} | ${meaning} |\n`).join("");
  return `# Words

<!-- Made from the table in src/cli/topics.ts by \`npm run docs\`; edit that. -->

The words of the commands, the log and these pages. \`maxwells-daemon help words\` prints the same. Three words
have no row. The *daemon* is this program, the *proxy* is the server in front of an application, and the
*operator* is you. [Judging](judging.md) has the words of the judge, such as coin and sign.

| word | meaning |
|---|---|
${rows}`;
}

function fenced(text: string): string {
  return `\`\`\`text\n${text}\`\`\`\n`;
}

if (import.meta.main) {
  const isCheck = process.argv.includes("--check");
  const directory = process.argv.slice(2).find((word) => word !== "--check") ?? ROOT;
  const outdated = await outdatedPages(directory);
  for (const [path, text] of outdated) {
    if (isCheck)
      console.error(`${path} is not what the code says; write it with npm run docs, and commit it`);
    else await Bun.write(join(directory, path), text);
    if (!isCheck) console.log(`wrote ${path}`);
  }
  process.exit(isCheck && outdated.size > 0 ? 1 : 0);
}
