/** The daemon runs, as its admin listener says. */

import type { State } from "../../admin/state.ts";
import { durationText } from "../../text.ts";
import { type Check, type Evidence, fail, pass, warn } from "../check.ts";
import { isAnswer, isState } from "../daemon-side.ts";

export const daemon: Check = {
  id: "daemon",
  title: "the daemon answers and is ready",

  async run({ state, answer, daemon: side }) {
    if (!isState(state)) {
      const evidence = { answers: isAnswer(answer) };
      return isAnswer(answer)
        ? warn(
            `it answers at its socket, but not at its admin listener: ${state.why}`,
            "name its -admin HOST:PORT; without it doctor knows neither what it counts nor which process it is",
            evidence,
          )
        : fail(
            `no daemon answers: ${state.why}`,
            "start it, or name the -socket and -admin that it has; its log says why it ended",
            evidence,
          );
    }
    const evidence = evidenceOf(state);
    if (side.applicationOf(state) === undefined) {
      return fail(
        "it does not serve the application that was asked for",
        `name one of its applications: -application ${state.applications.map(({ name }) => name).join(", ")}`,
        evidence,
      );
    }
    if (!state.ready) {
      return fail(
        "it runs but is not ready: not every application has been read from its store",
        "its log says why the store cannot be read; until then everyone goes to master",
        evidence,
      );
    }
    return pass(
      `version ${state.version}, process ${state.pid}, up ${durationText(state.uptimeMs)}, ` +
        `${state.servers.map(({ name, connections }) => `${name} (${connections} connected)`).join(", ")}`,
      evidence,
    );
  },
};

function evidenceOf(state: State): Evidence {
  return {
    answers: true,
    version: state.version,
    pid: state.pid,
    uptimeMs: state.uptimeMs,
    ready: state.ready,
    applications: state.applications.map(({ name }) => name),
    connections: Object.fromEntries(state.servers.map(({ name, connections }) => [name, connections])),
  };
}
