/** Prints the state of running daemons: rollouts, releases, age, store, counts. */

import { type HostPort, hostPortText } from "../../address.ts";
import { AdminError, fetchState } from "../../admin/client/fetch-state.ts";
import type { State } from "../../admin/state.ts";
import { configFile } from "../../config/config-file.ts";
import { oneLine } from "../../text/one-line.ts";
import { adminAddresses, admins } from "../admins.ts";
import { type Command, type Invocation, PROGRAM } from "../command.ts";
import { CliError, EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { type DaemonAnswer, disagreements, fleetPage, releaseAlarms } from "./status/fleet.ts";
import { statusPage, warningsOf } from "./status/page.ts";
import { watch, watchStates } from "./status/watch.ts";

const TIMEOUT_MS = 2_000;

export const status: Command = {
  name: "status",
  summary: "print the state of running daemons: rollouts, releases, age, store, counts",
  description:
    "It asks the daemon's admin listener. With several -admin it prints a summary of all daemons. The exit status is 1 if\n" +
    "a daemon is not ready, as /readyz says it: its rollouts are stale, or its socket is gone. With several daemons it is\n" +
    "also 1 if one does not answer, or if they do not agree. With -watch it prints until Ctrl-C which share of the last\n" +
    "decisions each version had. A release that is there is shown too. A daemon with -releases on says for what it waits,\n" +
    "and which daemons lead it.",
  positionals: [],
  options: [admins, watch, output, configFile],
  examples: [
    { line: "status", meaning: "for people" },
    { line: "status -watch", meaning: "what is decided now, every two seconds" },
    { line: "status -admin web1:6293 -admin web2:6293", meaning: "do both daemons have the same rollouts?" },
    { line: "status -o json", meaning: "for scripts" },
  ],

  async run(invocation) {
    const { settings, io } = invocation;
    const addresses = adminAddresses(settings);
    const intervalMs = settings.get(watch);
    if (intervalMs !== undefined) return watchStates(addresses, intervalMs, ask, invocation);
    const [only] = addresses;
    if (addresses.length > 1 || only === undefined) return fleetStatus(addresses, invocation);
    const state = await stateOrError(only);
    print(invocation, state, () => statusPage(state));
    for (const warning of state.applications.flatMap((each) => warningsOf(each, state.storeFlags))) {
      io.stderr.write(`${PROGRAM}: ${oneLine(warning)}\n`);
    }
    return isWell(state) ? EXITS.ok.status : EXITS.failed.status;
  },
};

async function fleetStatus(addresses: readonly HostPort[], invocation: Invocation): Promise<number> {
  const answers = await Promise.all(addresses.map(ask));
  const apart = disagreements(answers);
  const daemons = answers.map(({ admin, state, error }) => ({ admin, error: error?.message ?? null, state }));
  print(invocation, { daemons, agree: apart.length === 0 }, () => fleetPage(answers));
  for (const warning of [...releaseAlarms(answers), ...apart])
    invocation.io.stderr.write(`${PROGRAM}: ${oneLine(warning)}\n`);
  if (answers.every(({ state }) => state === null)) return EXITS.unreachable.status;
  const areWell = answers.every(({ state }) => state !== null && isWell(state));
  return areWell && apart.length === 0 ? EXITS.ok.status : EXITS.failed.status;
}

function isWell({ notReady, applications }: State): boolean {
  return !notReady && applications.every(({ fresh }) => fresh);
}

/** The answer of one daemon, or why there is none. */
async function ask(address: HostPort): Promise<DaemonAnswer> {
  const admin = hostPortText(address);
  try {
    return { admin, state: await fetchState(address, TIMEOUT_MS), error: null };
  } catch (error) {
    if (error instanceof AdminError) return { admin, state: null, error };
    throw error;
  }
}

async function stateOrError(address: HostPort): Promise<State> {
  const { state, error } = await ask(address);
  if (state !== null) return state;
  const isForeign = error?.code === "foreign";
  throw new CliError(
    isForeign ? "failed" : "unreachable",
    error?.message ?? "no answer",
    isForeign
      ? "name the daemon's -admin HOST:PORT"
      : "is the daemon running? If it has another -admin HOST:PORT, name that.",
    { cause: error },
  );
}
