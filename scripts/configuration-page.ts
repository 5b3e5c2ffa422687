/** The reference of all settings, `docs/configuration.md`, made from the options themselves. */

import { configFile, DEFAULT_CONFIG_FILE } from "../src/config/config-file.ts";
import { environmentName, separatorOf } from "../src/config/environment.ts";
import type { Option } from "../src/config/option.ts";
import { allOptions } from "../src/config/options.ts";

const INTRODUCTION = `# Configuration

Every setting has three places: a flag, an environment variable and a key of a TOML file. If more than one of them names a
setting, the flag counts before the environment, and the environment before the file.

- **Flags** are written \`-name value\`, \`-name=value\` or \`--name value\`. A switch stands alone, or as \`-name=false\`.
- **The environment**: an empty variable says nothing. Several values of one setting are separated by commas; by semicolons
  if a value itself may hold a comma, as in \`MAXWELLS_DAEMON_HAPROXY_MAP=/run/a.sock,/etc/a.map;/run/b.sock\`.
- **The file** is the one that \`-config\` names. If none is named, the daemon and every command read
  \`${DEFAULT_CONFIG_FILE}\`, if it is there: so they agree on a server. It must belong to root or to the
  user of the command, and not be open to every user for writing. \`-config none\` reads none, and
  \`quickstart\` reads only a file that is named. All values are strings, also numbers and durations: \`delay = "4s"\`;
  switches are \`true\` or \`false\`; a setting that may be repeated is a list. Relative paths start at the working directory.
- **Durations** are written as in Go: \`500ms\`, \`4s\`, \`1m30s\`.
- \`-unhealthy\` must be longer than \`-delay\`, and no application and no listener may be named twice.

\`maxwells-daemon check\` prints each setting with its value and the place that it comes from. If anything is wrong, it names
all of it at once, each with its place and its remedy, and the exit status is 2; the daemon does the same at its start. A
variable that begins with \`MAXWELLS_DAEMON_\` and names no setting is wrong, too, apart from the addresses of services
that container platforms set. Bun's own files are not read: a \`.env\` or \`bunfig.toml\` in the working directory says
nothing.

Settings count from the start of the daemon. On SIGHUP (\`systemctl reload\`) it reads the file again, says in its log which
settings differ from those that run, or what is wrong with the file, and changes nothing: [a restart](upgrading.md) does.

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
  const separator = separatorOf(option) === "," ? "commas" : "semicolons";
  const repeats = repeatable ? `. May be repeated; in the environment ${separator} separate its values` : "";
  const sentence = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}${repeats}.`;
  return `\n### ${name}\n\n${sentence}\n\n| | |\n|---|---|\n${table}`;
}
