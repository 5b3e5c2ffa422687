/** Makes `docs/configuration.md`, the reference of all settings, from the options themselves. */

import type { KeyRow } from "../src/checks/check-kind.ts";
import { CHECK_KINDS } from "../src/checks/list.ts";
import { COMMON_KEYS } from "../src/checks/named-checks.ts";
import { configFile, DEFAULT_CONFIG_FILE } from "../src/config/config-file.ts";
import { environmentName, separatorOf } from "../src/config/environment.ts";
import type { Option } from "../src/config/option.ts";
import { allOptions } from "../src/daemon/all-options.ts";
import {
  DEFAULT_PLAN,
  DEFAULT_STEPS,
  EVENTS_MAX,
  PLAN_KEYS,
  type PlanKey,
  SLOW_MAX,
  WINDOWS_MAX,
} from "../src/releases/named-plans.ts";
import {
  PLAN_BYTES_MAX,
  SHARE_DECIMALS_MAX,
  STEPS_MAX,
  WAIT_MS_MAX,
  WAIT_MS_MIN,
} from "../src/releases/plan.ts";
import { exactDurationText } from "../src/text/amounts.ts";

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

**In an editor** with taplo, such as *Even Better TOML* for VS Code, settings are completed and mistakes are
marked while you type. The first line of a file names its JSON schema. The packages bring the schema, and
their file has the line \`#:schema /usr/share/maxwells-daemon/config.schema.json\`. In a repository, keep a copy
of the schema beside your file (\`maxwells-daemon schema config > config.schema.json\`), and write
\`#:schema ./config.schema.json\`. \`check\` has more rules than a schema can say.

Settings take effect when the daemon starts. To use changed settings, [restart the daemon](upgrading.md). On
SIGHUP (\`systemctl reload\`) it opens the log file again, for \`logrotate\`. It also reads the settings file
again, but does not use it. The log then names the settings that differ from those in use, or the mistakes in
the file.

Named plans and checks of releases are tables of the file. They have sections of their own: [plans](#plans)
and [checks](#checks).

A file with all settings that have a default, each with its default:

`;

/** The page, as Markdown; it ends in a newline. */
export function configurationPage(): string {
  const options = allOptions();
  return `${INTRODUCTION}${exampleFile(options)}\n## Settings\n${options.map(section).join("")}${plansSection()}${checksSection()}`;
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

/** The keys of a plan: the form of the value, the default, and the meaning. */
const PLAN_ROWS: Readonly<Record<PlanKey, readonly [form: string, absent: string, meaning: string]>> = {
  steps: ["a list of steps, or the whole line", "none; the key is required", "the steps, as below"],
  inconclusive: [
    "`pause` or `abort`",
    "`pause`",
    "the end of a step in which the bound of `ok` passes without an `ok`",
  ],
  windows: [
    `a list of windows, at most ${WINDOWS_MAX}`,
    "any time",
    "the hours in which a release goes forward; it is taken back at any hour",
  ],
  slow: [
    `a list of durations, at most ${SLOW_MAX}`,
    "none",
    "the bounds of slow responses, in ascending order; each is one more metric for the judge",
  ],
  events: [
    `a list of names and parts, at most ${EVENTS_MAX}`,
    "none",
    "the application's own bad events; the judge gives each this part of its budget of false alarms",
  ],
  failsafe: ["`master` or `hold`", "`master`", "the failsafe of the record from promotion to finish"],
  offset: [
    "`random` or a number",
    "not set",
    "the offset of each release: drawn at random, or a number with at most three decimals",
  ],
};

const TERM_ROWS = [
  ["30m", "the step has lasted at least this long"],
  ["ok", "the judge has seen enough visitors in this step, for five minutes at least, and no harm"],
  ["ok<2h", "the same; if it is not true after two hours, `inconclusive` counts"],
  ["approve", "a person has approved this step"],
  ["check(load)", "the check of this name passes"],
] as const;

const PLAN_EXAMPLE = `\`\`\`toml
[plans.checkout]
steps = ["1%:10m", "5%:30m+ok<2h", "25%:1h+approve+check(load)", "100%:1d"]
inconclusive = "pause"
windows = ["mon-thu 09:00-16:00 Europe/Berlin"]
slow = ["400ms", "1s"]
events = ["checkout-failed=0.3"]
failsafe = "master"
offset = "random"
\`\`\`
`;

function plansSection(): string {
  const rows = PLAN_KEYS.map((key) => `| \`${key}\` | ${PLAN_ROWS[key].join(" | ")} |\n`).join("");
  const terms = TERM_ROWS.map(([term, meaning]) => `| \`${term}\` | ${meaning} |\n`).join("");
  const range = `from ${exactDurationText(WAIT_MS_MIN)} to ${exactDurationText(WAIT_MS_MAX)}`;
  return `
## Plans

A plan is the steps of a release, and what each step waits for. A table \`[plans.NAME]\` of the configuration
file gives a plan a name. Neither a flag nor a variable can do that.

${PLAN_EXAMPLE}
| key | value | default | meaning |
|---|---|---|---|
${rows}
A step is a share of all visitors, a colon, and a wait. The terms of a wait are joined by \`+\`. The next step
begins when all of them are true at the same time:

| term | is true if |
|---|---|
${terms}
- **Steps**: at most ${STEPS_MAX}, with growing shares. The last one is \`100%\`, and its wait is the time to watch
  the release. There the judge has no group to compare with, so \`ok\` is refused.
- **Shares** have at most ${SHARE_DECIMALS_MAX} decimals of a percent. Traefik serves steps of 0.1% only.
- **Durations** are whole seconds ${range}. A day is \`1d\`.
- **A step without a wait**, such as \`5%\`, waits for approval.
- **In one line** a comma stands between the steps: \`1%:10m,100%:1d\`. The line has at most ${PLAN_BYTES_MAX} bytes.
  In a shell, put it in quotes if it has \`<\` or \`(\`.
- **A window** has days, hours and a zone: \`mon-thu\`, \`mon,wed\` or \`fri-mon\`; \`09:00-16:00\`, or
  \`22:00-02:00\` over midnight; and a name such as \`Europe/Berlin\` or \`UTC\`. It follows the clock of that
  zone, also when summer time begins or ends.

The plan \`${DEFAULT_PLAN}\` is there without a file: \`${DEFAULT_STEPS}\`. A table
\`[plans.${DEFAULT_PLAN}]\` replaces it. If that table has no \`steps\`, these steps stay.

\`maxwells-daemon plan NAME\` shows the timetable of a plan, and \`maxwells-daemon plan 1%:10m,100%:1d\` that of
a plan without a name. Both name every mistake with its column, and end with status 2 then.
`;
}

const CHECK_EXAMPLE = `\`\`\`toml
[checks.load]
kind = "webhook"
url = "http://127.0.0.1:8080/gate/check"
every = "10s"
\`\`\`
`;

function checksSection(): string {
  const kinds = CHECK_KINDS.map(({ name, keys }) => `\nWith \`kind = "${name}"\`:\n\n${keyTable(keys)}`);
  return `
## Checks

A check is a question to another program. A step whose wait has \`check(load)\` lasts until the check \`load\`
passes. A table \`[checks.NAME]\` of the configuration file says what it asks; neither a flag nor a variable can
do that. [Checks](checks.md) has whole examples, and what each answer means.

${CHECK_EXAMPLE}
${keyTable(COMMON_KEYS)}${kinds.join("")}`;
}

function keyTable(keys: readonly KeyRow[]): string {
  const rows = keys.map(
    ({ name, form, absent, meaning }) => `| \`${name}\` | ${form} | ${absent} | ${meaning} |\n`,
  );
  return `| key | value | default | meaning |\n|---|---|---|---|\n${rows.join("")}`;
}
