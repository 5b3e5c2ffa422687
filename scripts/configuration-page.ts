/** Makes `docs/configuration.md`, the reference of all settings, from the options themselves. */

import { configFile, DEFAULT_CONFIG_FILE } from "../src/config/config-file.ts";
import { environmentName, separatorOf } from "../src/config/environment.ts";
import type { Option } from "../src/config/option.ts";
import { allOptions } from "../src/daemon/all-options.ts";

const INTRODUCTION = `# Configuration

Every setting can come from a flag, an environment variable or a key of a TOML file. If several of them give a
value, the flag counts before the environment, and the environment before the file. One setting, \`config\`, is
not a key of the file, because a file cannot name another file. [Words](words.md) explains the terms.

- **Flags** are written \`-name value\`, \`-name=value\` or \`--name value\`. A switch stands alone, or as
  \`-name=false\`.
- **The environment**: an empty variable counts as absent. Commas separate several values of one setting. If a
  value itself may contain a comma, semicolons separate the values:
  \`MAXWELLS_DAEMON_HAPROXY_MAP=/run/a.sock,/etc/a.map;/run/b.sock\` has two values.
- **The file** is the one that \`-config\` names. Without \`-config\`, the daemon and every command read
  \`${DEFAULT_CONFIG_FILE}\` if it exists, so all of them use the same settings on
  one machine. With \`-config none\` they read no file. The command \`quickstart\`, which \`npm start\` runs, reads
  a file only if \`-config\` names it.
- **The owner of the file.** \`${DEFAULT_CONFIG_FILE}\` must belong to root or to the user
  who runs the program, and not every user may write to it. Otherwise the daemon does not start, and a command
  does nothing: both report the reason and end with status 2.
- **Values in the file** are strings, also for numbers and durations: \`delay = "5s"\`. A number without quotes,
  \`delay = 5\`, is refused. Switches are \`true\` or \`false\`, without quotes. A setting that may be repeated is a
  list: \`listen = ["tcp:127.0.0.1:6290"]\`. Relative paths start at the working directory.
- **Durations** are written as in Go: \`500ms\`, \`4s\`, \`1m30s\`.
- **Two settings depend on each other**: \`-unhealthy\` must be longer than \`-delay\`. If you set \`-delay\` to
  more than 4 s and do not set \`-unhealthy\`, the daemon takes twice \`-delay\` for it.
- Name each application and each listener only once.

\`maxwells-daemon check\` prints each setting with its value and its source. If settings are wrong, it names all
of them at once, each with its source and its remedy, and the exit status is 2. The daemon does the same when
it starts. A variable that begins with \`MAXWELLS_DAEMON_\` and names no setting is wrong, too. There is one
exception: container platforms set variables such as \`MAXWELLS_DAEMON_SERVICE_HOST\`, and the daemon ignores
them. The daemon does not read Bun's own files: a \`.env\` or \`bunfig.toml\` in the working directory has no
effect.

Settings take effect when the daemon starts. To use changed settings, [restart the daemon](upgrading.md). On
SIGHUP (\`systemctl reload\`) it opens the log file again, for \`logrotate\`. It also reads the settings file
again, but does not use it. The log then names the settings that differ from those in use, or the mistakes in
the file.

A file with all settings that have a default, each with its default:

`;

/** The page, as Markdown; it ends in a newline. */
export function configurationPage(): string {
  const options = allOptions();
  return `${INTRODUCTION}${exampleFile(options)}\n## Settings\n${options.map(section).join("")}`;
}

/** All settings with their defaults, as a file for operators to copy. */
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
  const { name, placeholder, summary, repeatable } = option;
  const rows = [
    ["flag", `\`-${name}${placeholder === undefined ? "" : ` ${placeholder}`}\``],
    ["environment", `\`${environmentName(option)}\``],
    ...(option === configFile ? [] : [["file", `\`${name}\``]]),
    ["default", defaultOf(option)],
  ];
  const table = rows.map(([what, value]) => `| ${what} | ${value?.replaceAll("|", "\\|")} |\n`).join("");
  const separator = separatorOf(option) === "," ? "commas" : "semicolons";
  const repeats = repeatable
    ? ` It may be repeated; in the environment ${separator} separate its values.`
    : "";
  const text = wrapped(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.${repeats}`);
  return `\n### ${name}\n\n${text}\n\n| | |\n|---|---|\n${table}`;
}

/** An absent default is not shown as `none`, because that is a value of some settings. */
function defaultOf(option: Option<unknown>): string {
  const { defaultText } = option;
  if (option === configFile) return `\`${DEFAULT_CONFIG_FILE}\`, if it exists`;
  return defaultText === undefined ? "not set" : `\`${defaultText}\``;
}

function wrapped(text: string): string {
  return text.replace(/(.{1,110})(?: |$)/g, "$1\n").trimEnd();
}
