/** The reference of all settings, `docs/configuration.md`, made from the options themselves. */

import { environmentName } from "./environment.ts";
import type { Option } from "./option.ts";
import { allOptions, configFile } from "./options.ts";

const INTRODUCTION = `# Configuration

Every setting is a flag, an environment variable and a key of a TOML file. A flag counts before the environment, the
environment before the file, the file before the default.

- Flags are written \`-name value\`, \`-name=value\` or \`--name value\`. A switch stands alone, or as \`-name=false\`.
- An empty environment variable says nothing. Where a setting may be repeated, commas separate its values.
- The file is named by \`-config\`. Values are strings, also numbers and durations: \`delay = "4s"\`; switches are \`true\` or
  \`false\`; a setting that may be repeated is a list. Relative paths start at the working directory.
- Durations are written as in Go: \`500ms\`, \`4s\`, \`1m30s\`.
- \`-unhealthy\` must be longer than \`-delay\`, and no application and no listener may be named twice.

Everything that is wrong is reported at once, each problem with its origin and its remedy, and the exit status is 2.
\`maxwells-daemon check\` does that without starting anything, and prints each setting with its value and origin. A
variable that begins with \`MAXWELLS_DAEMON_\` and names no setting is a problem too, apart from the addresses of services
that container platforms set.

A complete file:

`;

/** The page, as Markdown; it ends in a newline. */
export function configurationPage(): string {
  const options = allOptions();
  return `${INTRODUCTION}${exampleFile(options)}\n## Settings\n${options.map(section).join("")}`;
}

/** All settings with their defaults, as a file that may be copied. */
function exampleFile(options: readonly Option<unknown>[]): string {
  const lines = options
    .filter((option) => option !== configFile && option.defaultText !== undefined)
    .map((option) => `${option.name} = ${tomlValue(option)}\n`);
  return `\`\`\`toml\n${lines.join("")}\`\`\`\n`;
}

function tomlValue({ defaultText = "", placeholder, repeatable }: Option<unknown>): string {
  if (placeholder === undefined) return defaultText;
  return repeatable ? `[${JSON.stringify(defaultText)}]` : JSON.stringify(defaultText);
}

function section(option: Option<unknown>): string {
  const { name, placeholder, summary, defaultText, repeatable } = option;
  const rows = [
    ["flag", `\`-${name}${placeholder === undefined ? "" : ` ${placeholder}`}\``],
    ["environment", `\`${environmentName(option)}\``],
    ...(option === configFile ? [] : [["file", `\`${name}\``]]),
    ["default", defaultText === undefined ? "none" : `\`${defaultText}\``],
  ];
  const table = rows.map(([what, value]) => `| ${what} | ${value?.replaceAll("|", "\\|")} |\n`).join("");
  const sentence = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}${repeatable ? ". May be repeated" : ""}.`;
  return `\n### ${name}\n\n${sentence}\n\n| | |\n|---|---|\n${table}`;
}
