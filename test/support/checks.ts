/** Checks as a configuration file gives them, and one evaluation of each. */

import type { Answer, Subject } from "../../src/checks/check-kind.ts";
import { checks, type NamedCheck } from "../../src/checks/named-checks.ts";
import { loadSettings, Problems } from "../../src/config/load.ts";
import { allOptions } from "../../src/daemon/all-options.ts";
import { faultsInConfig } from "./schema.ts";

export const SUBJECT: Subject = {
  ...{ application: "website", version: "canary", key: "8c1f0b2f9d3e4a5b6c7d8e9f", seq: 4 },
  ...{ id: 7, of: "v42", step: 2, steps: 5, rollout: 0.05 },
};

function load(file: string) {
  const sources = { argv: ["-config", "/etc/md.toml"], environment: {}, readFile: () => file };
  return loadSettings(sources, { options: allOptions(), tables: [checks] });
}

/** The checks of a file. Throws if there are problems. */
export function checksOf(file: string): readonly NamedCheck[] {
  const loaded = load(file);
  if (loaded instanceof Problems) throw new Error(loaded.messages.join("\n"));
  if (faultsInConfig(file) !== "") throw new Error(`the schema refuses it: ${faultsInConfig(file)}`);
  return loaded.settings.get(checks);
}

/** The problems of a file, without its name. */
export function problemsOf(file: string): readonly string[] {
  const loaded = load(file);
  const messages = loaded instanceof Problems ? loaded.messages : [];
  return messages.map((message) => message.replace("file /etc/md.toml: ", ""));
}

export interface Evaluation {
  readonly environment?: Readonly<Record<string, string>>;
  readonly subject?: Partial<Subject>;
}

/** One evaluation of the check that has these keys, with its own time limit. */
export async function evaluate(keys: string, evaluation: Evaluation = {}): Promise<Answer> {
  const [check] = checksOf(`[checks.load]\n${keys}`);
  if (check === undefined) throw new Error("there is no check");
  const { timeoutMs } = check;
  const made = check.create({ environment: evaluation.environment ?? {}, timeoutMs });
  return made.evaluate({ ...SUBJECT, ...evaluation.subject }, AbortSignal.timeout(timeoutMs));
}
