/** The daemon runs, as its admin listener says. */

import type { State } from "../../admin/state.ts";
import { durationText } from "../../text.ts";
import type { Check } from "../check.ts";
import { isAnswer, isState } from "../daemon-side.ts";
import { causing, type Evidence, fail, pass, warn } from "../finding.ts";

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
        : causing(
            fail(
              `no daemon answers, so everyone is at master: ${state.why}`,
              "start it, or name the -socket and -admin that it has; its log says why it ended",
              evidence,
            ),
            "no daemon answers",
          );
    }
    const evidence = evidenceOf(state);
    if (side.applicationOf(state) === undefined) {
      return causing(
        fail(
          "it does not serve the application that was asked for, so everyone is at master there",
          `name one of its applications: -application ${state.applications.map(({ name }) => name).join(", ")}`,
          evidence,
        ),
        "the daemon does not serve the application",
      );
    }
    // A snapshot that is too old is the store's matter, and a socket that is gone the socket's: they have
    // checks of their own.
    if (state.applications.some(({ ageMs }) => ageMs === null)) {
      return causing(
        fail(
          "it runs but is not ready: it could not read every application from its store, so everyone goes to master",
          "its log says why the store cannot be read",
          evidence,
        ),
        "the daemon is not ready",
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
