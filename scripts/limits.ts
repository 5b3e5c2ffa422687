/** The page of all limits, `docs/limits.md`, read from where they are defined: what is a limit here has a name. */

import { join } from "node:path";

/** A constant that ends in `_MAX` or `_MS`, with the comment above it. */
const LIMIT =
  /^(?:\s*\/\*\*(?<comment>(?:(?!\*\/)[\s\S])*)\*\/\n)?\s*(?:export const|const|static readonly) (?<name>[A-Z_]+_(?:MAX|MS)) = (?<value>[^{[\n]+);$/gm;

const INTRODUCTION = `# Limits

<!-- Made from the constants in src by \`npm run docs\`; edit those. -->

Law 5: every buffer, line, queue, connection count and retry has a named limit. \`_MS\` are milliseconds.

| limit | value | in | |
| --- | --: | --- | --- |
`;

/** The page, as Markdown. */
export async function limitsPage(root: string): Promise<string> {
  const rows: string[] = [];
  for (const path of [...new Bun.Glob("src/**/*.ts").scanSync(root)].sort()) {
    for (const { groups } of (await Bun.file(join(root, path)).text()).matchAll(LIMIT)) {
      const { comment = "", name, value } = groups as { comment?: string; name: string; value: string };
      const meaning = comment
        .replace(/^\s*\* ?/gm, " ")
        .replace(/\s+/g, " ")
        .trim()
        .replaceAll("|", "\\|");
      rows.push(`| \`${name}\` | \`${value}\` | [${path}](../${path}) | ${meaning} |\n`);
    }
  }
  return INTRODUCTION + rows.join("");
}
