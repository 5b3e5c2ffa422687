/** The page of all limits, `docs/limits.md`, read from where they are defined: what is a limit here has a name. */

import { join } from "node:path";

/** A constant that ends in `_MAX` or `_MS`, with the comment above it. */
const LIMIT =
  /^(?:\s*\/\*\*(?<comment>(?:(?!\*\/)[\s\S])*)\*\/\n)?\s*(?:export const|const|static readonly) (?<name>[A-Z_]+_(?:MAX|MS)) = (?<value>[^{[\n]+);$/gm;

/** Those that clients, a store or a large fleet may reach in ordinary life. The others are internal. */
const REACHED: readonly (readonly [path: string, name: string])[] = [
  ["src/servers/connections.ts", "CONNECTIONS_MAX"],
  ["src/servers/line-codec.ts", "LINE_BYTES_MAX"],
  ["src/config/application.ts", "APPLICATIONS_MAX"],
  ["src/records/check.ts", "VERSIONS_MAX"],
  ["src/stores/store.ts", "RECORDS_MAX"],
  ["src/feed/bounded-read.ts", "READ_TIMEOUT_MS"],
  ["src/servers/server.ts", "DRAIN_MS"],
  ["src/log.ts", "REPEAT_MS_MAX"],
];

const INTRODUCTION = `# Limits

<!-- Made from the constants in src by \`npm run docs\`; edit those. -->

No client, store or setting can make the daemon stop, stall or grow: every buffer, line, queue, number of connections and
number of retries has a limit with a name. Limits are constants of the code; what a setting bounds is in
[configuration](configuration.md). \`_MS\` are milliseconds.

## What an operator may reach

`;

const OTHERS = `
## All others

Internal ones, in the order of the files: for readers of the code.

`;

const HEAD = `| limit | value | in | |
| --- | --: | --- | --- |
`;

/** The page, as Markdown. */
export async function limitsPage(root: string): Promise<string> {
  const rows = new Map<string, string>();
  for (const path of [...new Bun.Glob("src/**/*.ts").scanSync(root)].sort()) {
    for (const { groups } of (await Bun.file(join(root, path)).text()).matchAll(LIMIT)) {
      const { comment = "", name, value } = groups as { comment?: string; name: string; value: string };
      const meaning = comment
        .replace(/^\s*\* ?/gm, " ")
        .replace(/\s+/g, " ")
        .trim()
        .replaceAll("|", "\\|");
      rows.set(`${path} ${name}`, `| \`${name}\` | \`${value}\` | [${path}](../${path}) | ${meaning} |\n`);
    }
  }
  const reached = REACHED.map(([path, name]) => {
    const key = `${path} ${name}`;
    const row = rows.get(key);
    if (row === undefined) throw new Error(`scripts/limits.ts names ${name} of ${path}, which is not there`);
    rows.delete(key);
    return row;
  });
  return INTRODUCTION + HEAD + reached.join("") + OTHERS + HEAD + [...rows.values()].join("");
}
