/** The table of the conformance suite: of a run, and for `integrations/README.md`. */

import type { Case } from "./case.ts";
import { CASES } from "./cases.ts";
import type { Integration } from "./integration.ts";
import { INTEGRATIONS } from "./list.ts";

export type Result = "passed" | "failed";

/** Why a case does not apply to an integration, or undefined if it does. */
export function exceptionOf(integration: Integration, { id }: Case): string | undefined {
  return integration.exceptions?.[id];
}

/** Cases by integrations in Markdown, with notes about cases that do not apply. */
export function resultTable(
  resultOf: (integration: Integration, each: Case) => Result | undefined,
  integrations = INTEGRATIONS,
  cases = CASES,
): string {
  return markdownTable(integrations, cases, exceptionOf, resultOf);
}

/** Lines by integrations, with notes about those that do not apply. */
export function markdownTable<Line extends { readonly title: string }>(
  integrations: readonly Integration[],
  cases: readonly Line[],
  exceptionOf: (integration: Integration, each: Line) => string | undefined,
  resultOf: (integration: Integration, each: Line) => Result | undefined,
): string {
  const notes: string[] = [];
  const cell = (integration: Integration, each: Line): string => {
    const exception = exceptionOf(integration, each);
    if (exception !== undefined) {
      const known = notes.indexOf(exception);
      return `– ${(known >= 0 ? known : notes.push(exception) - 1) + 1}`;
    }
    const result = resultOf(integration, each);
    return result === undefined ? "not run" : result === "passed" ? "✓" : "FAILED";
  };
  const lines = [
    ["", ...integrations.map(({ name }) => name)],
    ["---", ...integrations.map(() => ":-:")],
    ...cases.map((each) => [each.title, ...integrations.map((integration) => cell(integration, each))]),
  ];
  const table = lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const list = notes.map((note, index) => `${index + 1}. ${note}`).join("\n");
  return list === "" ? table : `${table}\n\n${list}`;
}

/** The table if every case that applies has passed: the promise of the suite. */
export function promisedTable(): string {
  return resultTable(() => "passed");
}
