/** The daemon's admin listener says that the daemon is ready. */

import type { State } from "../../admin/state.ts";
import { durationText } from "../../text/amounts.ts";
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
            `the daemon answers at its socket, but not at its admin listener: ${state.why}`,
            "name its admin listener: -admin HOST:PORT. Otherwise doctor knows neither the daemon's counts nor its process",
            evidence,
          )
        : causing(
            fail(
              `no daemon answers, so all visitors go to master: ${state.why}`,
              "start the daemon, or name its -socket and -admin; its log says why it ended",
              evidence,
            ),
            "no daemon answers",
          );
    }
    const evidence = evidenceOf(state);
    if (side.applicationOf(state) === undefined) {
      return causing(
        fail(
          "the daemon does not serve the application of -application, so all visitors go to master there",
          `name an application of the daemon: -application ${state.applications.map(({ name }) => name).join(", ")}`,
          evidence,
        ),
        "the daemon does not serve the application",
      );
    }
    // A stale snapshot and a missing socket have checks of their own: `store` and `socket`.
    const unread = state.applications.filter(({ ageMs }) => ageMs === null);
    if (unread.length > 0) {
      const error = unread.find((each) => each.error !== null)?.error ?? null;
      return causing(
        fail(
          "the daemon runs but is not ready: it could not read every application from its store" +
            `${error === null ? "" : ` (${error})`}, so all visitors go to master`,
          error === null
            ? "read the daemon's log, which says why the store cannot be read"
            : `make ${state.store} readable for the daemon`,
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
