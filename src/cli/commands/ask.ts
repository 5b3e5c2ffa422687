/** Asks one question over the socket: which version serves this visitor, and with -v, why. */

import { addressText } from "../../address.ts";
import { admin } from "../../admin/admin.ts";
import { assignmentOfText } from "../../assignment.ts";
import { MAINTENANCE } from "../../circle.ts";
import {
  ask as askDaemon,
  ClientError,
  type DecisionAnswer,
  type Explanation,
  explain,
  type SingleQuestion,
} from "../../client/line.ts";
import { configFile } from "../../config/config-file.ts";
import { type Option, Problem } from "../../config/option.ts";
import { parseSwitch, single } from "../../config/values.ts";
import { REASONS, type Reason } from "../../placement.ts";
import { socket } from "../../servers/line.ts";
import { application } from "../../settings/application.ts";
import { aligned } from "../../text/columns.ts";
import { oneLine } from "../../text/one-line.ts";
import { quote } from "../../text/quote.ts";
import { type Command, PROGRAM } from "../command.ts";
import { daemonSocket } from "../daemon-socket.ts";
import { CliError, EXITS } from "../exit.ts";
import { output, print } from "../output.ts";

/** A person has more patience than a proxy. */
const TIMEOUT_MS = 2_000;

function nonEmpty(text: string): string | Problem {
  return text === "" ? new Problem("it is empty; write a value, or leave the flag out") : text;
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
    summary: "the location to ask for; the daemon obeys it only with -allow-force",
    flagOnly: true,
  },
  nonEmpty,
);

const verbose = single(
  { name: "verbose", short: "v", summary: "say why", defaultText: "false", flagOnly: true },
  parseSwitch,
);

export const ask: Command = {
  name: "ask",
  summary: "ask the daemon which version serves a visitor",
  description:
    "Without ASSIGNMENT and -key it asks for a new visitor, who is given an assignment. The daemon counts the question\n" +
    "as a decision. The exit status is 1 if the daemon does not serve the -application.",
  positionals: [
    { name: "ASSIGNMENT", summary: "the visitor's number, from 0 to less than 1", required: false },
  ],
  options: [application, key, force, verbose, socket, admin, output, configFile],
  summaries: { application: "the application to ask for; the daemon's first one if none is named" },
  examples: [
    { line: "ask", meaning: "a new visitor" },
    { line: "ask 0.42 -v", meaning: "a known one, and why" },
    { line: "ask -key user-1234", meaning: "one with a stable id" },
  ],

  async run(invocation) {
    const { settings, positionals, io } = invocation;
    const [assignment] = positionals;
    if (assignment !== undefined && Number.isNaN(assignmentOfText(assignment))) {
      throw new CliError(
        "usage",
        `${quote(assignment)} is not an assignment`,
        "write a number from 0 to less than 1, such as 0.42",
      );
    }
    const question: SingleQuestion = {
      address: withoutDescriptor(await daemonSocket(settings, settings.get(admin))),
      assignment,
      application: settings.isNamed(application) ? settings.get(application)[0] : undefined,
      key: settings.get(key),
      force: settings.get(force),
      timeoutMs: TIMEOUT_MS,
    };
    const answer = await explained(question, settings.get(verbose)).catch((error) => {
      throw failure(error, addressText(question.address));
    });
    if ("reason" in answer && answer.reason === ("unknown-application" satisfies Reason)) {
      throw new CliError(
        "failed",
        oneLine(
          `the daemon does not serve the application ${question.application}: its visitors go to master`,
        ),
        "name a served -application; status lists them",
      );
    }
    const isOn = isInMaintenance(answer);
    const shown = settings.get(verbose)
      ? answer
      : { assignment: answer.assignment, location: answer.location };
    const json = {
      ...shown,
      assignment: Number(answer.assignment),
      ...(isOn ? { maintenance: true } : {}),
    };
    print(invocation, json, () =>
      aligned([
        ["assignment", answer.assignment],
        ["location", answer.location],
        ...(isOn ? [["MAINTENANCE", "IS ON: the proxy shows its maintenance page instead"]] : []),
        ...reasons(shown),
      ]),
    );
    if (question.force !== undefined && !isForced(answer, question.force)) {
      const why = "It runs without -allow-force, has no such version, or its rollouts are stale.";
      const told = `the daemon ignored -force ${question.force}, and decided by the rollouts. ${why}`;
      io.stderr.write(oneLine(`${PROGRAM}: ${told}`).concat("\n"));
    }
    return EXITS.ok.status;
  },
};

/** Whether the daemon obeyed. One that gives no reason can only be judged by its answer. */
function isForced(answer: DecisionAnswer | Explanation, location: string): boolean {
  return "reason" in answer ? answer.reason === ("forced" satisfies Reason) : answer.location === location;
}

/** The answer with its reason, or without if the reason is not needed and an older daemon cannot give it. */
async function explained(question: SingleQuestion, isNeeded: boolean): Promise<DecisionAnswer | Explanation> {
  try {
    return await explain(question);
  } catch (error) {
    if (isNeeded || !(error instanceof ClientError) || error.code !== "malformed") throw error;
    return askDaemon(question);
  }
}

/** Whether the daemon says that maintenance is on: the version `maintenance` is not at 0 then. */
function isInMaintenance(answer: DecisionAnswer | Explanation): boolean {
  const arcs = "arcs" in answer ? answer.arcs : [];
  return arcs.some((arc) => arc.startsWith(`${MAINTENANCE}=`) && !arc.startsWith(`${MAINTENANCE}=0@`));
}

function withoutDescriptor(address: ReturnType<typeof socket.parse>): SingleQuestion["address"] {
  if (address === null)
    throw new CliError(
      "usage",
      "no daemon can be asked: -socket is none",
      "name the path of the daemon's socket",
    );
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
    ["arcs", arcs.join(" ") || "none: all visitors go to master"],
  ];
}

function failure(error: unknown, where: string): unknown {
  if (!(error instanceof ClientError)) return error;
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  if (error.code === "unaskable") return new CliError("usage", error.message, "shorten what is asked");
  if (error.code === "malformed") {
    return new CliError(
      "failed",
      `the program that answers at ${where} is not this daemon, or an older one: ${error.message}`,
    );
  }
  const remedies: Readonly<Record<string, string>> = {
    ENOENT: "the socket is not there: is the daemon running? If it has another -socket, name that.",
    ECONNREFUSED: "the socket's file exists, but no daemon listens at it: start the daemon again",
    EACCES: "this user may not connect: run this as another user, or change the daemon's -socket-mode",
  };
  const remedy = remedies[cause?.code ?? ""] ?? "is the daemon running? Ask it: maxwells-daemon status";
  return new CliError("unreachable", `no answer from ${where}: ${error.message}`, remedy, {
    cause: error,
  });
}
