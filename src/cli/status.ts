/** What a running daemon says of itself: arcs, age, lease, store, counts. It is read from the admin listener. */

import { admin } from "../admin/admin.ts";
import { AdminError, fetchState } from "../admin/fetch-state.ts";
import type { ApplicationState, State } from "../admin/state.ts";
import { configFile } from "../config/options.ts";
import { type HostPort, rolloutText } from "../config/values.ts";
import { aligned, durationText, oneLine, table } from "../text.ts";
import { type Command, PROGRAM } from "./command.ts";
import { CliError, EXITS } from "./exit.ts";
import { output, print } from "./output.ts";

const TIMEOUT_MS = 2_000;

export const status: Command = {
  name: "status",
  summary: "what a running daemon says of itself",
  description:
    "It asks the daemon's admin listener. Stale rollouts are told on stderr as well; the exit status stays 0.",
  positionals: [],
  options: [admin, output, configFile],
  examples: [
    { line: "status", meaning: "for people" },
    { line: "status -o json", meaning: "for scripts" },
  ],

  async run(invocation) {
    const { settings, io } = invocation;
    const address = settings.get(admin);
    if (address === null) {
      throw new CliError(
        "usage",
        `there is no admin listener to ask (${settings.origin(admin).text} is none)`,
        "run the daemon with -admin 127.0.0.1:6293",
      );
    }
    const state = await readState(address);
    print(invocation, state, () => page(state));
    for (const application of state.applications) {
      if (!application.fresh) io.stderr.write(`${PROGRAM}: ${oneLine(warning(application))}\n`);
    }
    return EXITS.ok.status;
  },
};

async function readState(address: HostPort): Promise<State> {
  try {
    return await fetchState(address, TIMEOUT_MS);
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    const isForeign = error.code === "foreign";
    throw new CliError(
      isForeign ? "failed" : "unreachable",
      error.message,
      isForeign
        ? "name the daemon's -admin HOST:PORT"
        : "is the daemon running? name its -admin HOST:PORT where it has another one",
      { cause: error },
    );
  }
}

function warning({ name, ageMs, error }: ApplicationState): string {
  const age = ageMs === null ? "never read" : `last read ${durationText(ageMs)} ago`;
  return `${name} IS STALE (${age}): everyone goes to master but for arcs that hold${error ? `; ${error}` : ""}`;
}

function page(state: State): string {
  const parts = [
    aligned([
      ["version", state.version],
      ["pid", String(state.pid)],
      ["up", `${durationText(state.uptimeMs)}, since ${state.startedAt}`],
      ["ready", state.ready ? "yes" : "NO: not every application has been read yet"],
      ["store", state.store],
      ["settings", state.config ?? "from no file"],
    ]),
    ...state.applications.map(applicationPart),
    table(
      ["server", "answered", "failed", "connections", "accepted", "refused"],
      state.servers.map((server) => [
        server.name,
        String(server.success),
        String(server.failure),
        String(server.connections),
        String(server.accepted),
        String(server.refused),
      ]),
    ),
  ];
  return parts.join("\n");
}

function applicationPart(application: ApplicationState): string {
  const { name, fresh, ageMs, leaseMs, error, reads, arcs, malformed, decisions } = application;
  const facts = aligned(
    [
      ["rollouts", fresh ? "fresh" : "STALE: everyone goes to master but for arcs that hold"],
      ["age", ageMs === null ? "never read" : durationText(ageMs)],
      ["lease", durationText(leaseMs)],
      ["reads", `${reads.success} good, ${reads.failure} failed, ${reads.malformed} records malformed`],
      ...(malformed.length === 0 ? [] : [["malformed", malformed.join(", ")]]),
      ...(error === null ? [] : [["error", error]]),
    ],
    "  ",
  );
  const circle = arcs.map((arc) => [
    arc.version,
    fresh || arc.failsafe === "hold" ? rolloutText(arc.rollout) : `0% (was ${rolloutText(arc.rollout)})`,
    arc.offset === 0 ? "" : String(arc.offset),
    arc.failsafe === "master" ? "" : arc.failsafe,
  ]);
  const counts = decisions.map(({ location, reason, count }) => [location, reason, String(count)]);
  return [
    `${oneLine(name)}\n${facts}`,
    circle.length === 0 ? "" : indented(table(["version", "rollout", "offset", "failsafe"], circle)),
    counts.length === 0 ? "" : indented(table(["location", "reason", "decisions"], counts)),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
