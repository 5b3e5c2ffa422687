/** One question over the socket: where is this visitor served, and with -v, why. */

import { admin } from "../admin/admin.ts";
import { assignmentOfText } from "../assignment.ts";
import {
  ask as askDaemon,
  ClientError,
  type Explanation,
  explain,
  type SingleQuestion,
} from "../client/line.ts";
import { type Option, Problem } from "../config/option.ts";
import { application, configFile } from "../config/options.ts";
import { quote } from "../config/quote.ts";
import { addressText, parseSwitch, single } from "../config/values.ts";
import { REASONS } from "../placement.ts";
import { socket } from "../servers/line.ts";
import { aligned } from "../text.ts";
import type { Command } from "./command.ts";
import { daemonSocket } from "./daemon-socket.ts";
import { CliError, EXITS } from "./exit.ts";
import { output, print } from "./output.ts";

/** People wait longer than proxies, but not for ever. */
const TIMEOUT_MS = 2_000;

function nonEmpty(text: string): string | Problem {
  return text === "" ? new Problem("write something, or leave it away") : text;
}

export const key: Option<string | undefined> = single<string | undefined>(
  {
    name: "key",
    placeholder: "ID",
    summary: "a stable id of the visitor, such as a user id",
    flagOnly: true,
  },
  nonEmpty,
);

export const force: Option<string | undefined> = single<string | undefined>(
  {
    name: "force",
    placeholder: "LOCATION",
    summary: "the location to ask for, where the daemon has -allow-force",
    flagOnly: true,
  },
  nonEmpty,
);

export const verbose = single(
  { name: "verbose", summary: "say why; -v for short", defaultText: "false", flagOnly: true },
  parseSwitch,
);

export const ask: Command = {
  name: "ask",
  summary: "ask the daemon where a visitor is served",
  description: "Without ASSIGNMENT and -key it asks for a new visitor, who is given an assignment.",
  positionals: [
    { name: "ASSIGNMENT", summary: "the visitor's number, from 0 to less than 1", required: false },
  ],
  options: [application, key, force, verbose, socket, admin, output, configFile],
  examples: [
    { line: "ask", meaning: "a new visitor" },
    { line: "ask 0.42 -v", meaning: "a known one, and why" },
    { line: "ask -key user-1234", meaning: "one with a stable id" },
  ],

  async run(invocation) {
    const { settings, positionals } = invocation;
    const [assignment] = positionals;
    if (assignment !== undefined && Number.isNaN(assignmentOfText(assignment))) {
      throw new CliError(
        "usage",
        `${quote(assignment)} is no assignment`,
        "write a number from 0 to less than 1, such as 0.42",
      );
    }
    const question: SingleQuestion = {
      address: withoutDescriptor(await daemonSocket(settings)),
      assignment,
      application: settings.isNamed(application) ? settings.get(application)[0] : undefined,
      key: settings.get(key),
      force: settings.get(force),
      timeoutMs: TIMEOUT_MS,
    };
    const explains = settings.get(verbose);
    const answer = await (explains ? explain(question) : askDaemon(question)).catch((error) => {
      throw failure(error, addressText(question.address));
    });
    const json = { ...answer, assignment: Number(answer.assignment) };
    print(invocation, json, () =>
      aligned([["assignment", answer.assignment], ["location", answer.location], ...reasons(answer)]),
    );
    return EXITS.ok.status;
  },
};

function withoutDescriptor(address: ReturnType<typeof socket.parse>): SingleQuestion["address"] {
  if (address === null)
    throw new CliError("usage", "-socket is none, so there is nobody to ask", "write its path");
  if (address instanceof Problem || address.kind === "fd") throw new TypeError("-socket names a path");
  return address;
}

function reasons(answer: object): string[][] {
  if (!("reason" in answer)) return [];
  const { reason, application: name, arcs } = answer as Explanation;
  const sentence = REASONS[reason as keyof typeof REASONS];
  return [
    ["reason", sentence === undefined ? reason : `${reason}: ${sentence}`],
    ["application", name],
    ["arcs", arcs.join(" ") || "none: everyone goes to master"],
  ];
}

function failure(error: unknown, where: string): unknown {
  if (!(error instanceof ClientError)) return error;
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  if (error.code === "unaskable") return new CliError("usage", error.message, "shorten what is asked");
  if (error.code === "malformed") {
    return new CliError(
      "failed",
      `who answers at ${where} is not this daemon, or an older one: ${error.message}`,
    );
  }
  const remedies: Readonly<Record<string, string>> = {
    ENOENT: "there is no such socket: is the daemon running? name its -socket where it has another one",
    ECONNREFUSED: "a socket without a daemon: start it again",
    EACCES: "this user may not connect: the daemon's -socket-mode says who may",
  };
  const remedy = remedies[cause?.code ?? ""] ?? "is the daemon running? ask it: maxwells-daemon status";
  return new CliError("unreachable", `nobody answers at ${where}: ${error.message}`, remedy, {
    cause: error,
  });
}
