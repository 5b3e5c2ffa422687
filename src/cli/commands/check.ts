/** Checks and prints the settings. With -deep it also opens all that they name. */

import { checks } from "../../checks/named-checks.ts";
import { configFile } from "../../config/config-file.ts";
import type { LoadedSettings } from "../../config/load.ts";
import { readTableText } from "../../config/option.ts";
import { parseSwitch, single } from "../../config/values.ts";
import { ALL_TABLES, allOptions } from "../../daemon/all-options.ts";
import { flagRemarks, planRemarks } from "../../daemon/release-remarks.ts";
import { plans } from "../../releases/named-plans.ts";
import { durationText } from "../../text/amounts.ts";
import { columns } from "../../text/columns.ts";
import { oneLine } from "../../text/one-line.ts";
import { redactAddress } from "../../text/redact.ts";
import { type Command, PROGRAM } from "../command.ts";
import { EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { checkDeep } from "./check/deep.ts";

export const deep = single(
  {
    name: "deep",
    summary: "also open and close what the settings name: store, files, listeners, HAProxy",
    flagOnly: true,
    defaultText: "false",
  },
  parseSwitch,
);

export const check: Command = {
  name: "check",
  summary: "check flags, environment and configuration file without running the daemon",
  description:
    "It takes the daemon's flags, and prints each setting with its value and its origin. Without -deep it opens nothing.\n" +
    "Run it with -deep as the daemon's user: it exits with 1 if the daemon could not start, or could not read its\n" +
    "rollouts. It changes nothing, and takes nothing from a daemon that runs.",
  positionals: [],
  options: [...allOptions(), deep, output],
  tables: ALL_TABLES,
  examples: [
    { line: "check", meaning: "are the settings right?" },
    { line: "check -deep", meaning: "before a restart" },
  ],

  async run(invocation) {
    const { settings, io } = invocation;
    const options = allOptions()
      .filter((option) => option !== configFile || settings.texts(option).length > 0)
      .map((option) => ({
        name: option.name,
        flag: `-${option.name}`,
        values: settings.texts(option).map(option.shown ?? redactAddress),
        origin: settings.origin(option),
      }));
    const rows = [...options, ...planRows(settings), ...checkRows(settings)];
    const json = rows.map(({ name, values, origin }) => ({
      name,
      values,
      source: origin.source,
      origin: origin.text,
    }));
    const findings = settings.get(deep) ? await checkDeep(settings, io) : undefined;
    const warnings = [...flagRemarks(settings), ...planRemarks(settings, settings.texts(plans))];
    print(invocation, { settings: json, warnings, ...(findings && { findings }) }, () => {
      const page = columns(
        ["setting", "value", "from"],
        rows.map(({ flag, values, origin }) => [
          flag,
          values.join(", ") || "–",
          origin.source === "default" ? "default" : origin.text,
        ]),
      );
      if (findings === undefined) return page;
      const opened = findings.map(({ level, setting, text }) => [
        level === "ok" ? "ok" : level.toUpperCase(),
        setting,
        redactAddress(text),
      ]);
      return `${page}\n${columns(["opened", "", ""], opened)}`;
    });
    for (const { setting, text } of warnings)
      io.stderr.write(`${PROGRAM}: ${oneLine(`${setting}: ${text}`)}\n`);
    const hasProblem = findings?.some(({ level }) => level === "problem") ?? false;
    return hasProblem ? EXITS.failed.status : EXITS.ok.status;
  },
};

/** The plans of the file, each with its line. They have no flags. */
function planRows(settings: LoadedSettings) {
  const ofFile = new Set(settings.texts(plans).map((text) => readTableText(text)[0]));
  return settings
    .get(plans)
    .filter(({ name }) => ofFile.has(name))
    .map(({ name, plan }) => ({
      name: `plans.${name}`,
      flag: `plans.${name}`,
      values: [plan.text],
      origin: settings.origin(plans),
    }));
}

/** The checks of the file, each with its kind and the program that it asks. */
function checkRows(settings: LoadedSettings) {
  return settings.get(checks).map(({ name, kind, target, everyMs }) => ({
    name: `checks.${name}`,
    flag: `checks.${name}`,
    values: [`${kind} ${target} every ${durationText(everyMs)}`],
    origin: settings.origin(checks),
  }));
}
