/**
 * The checks that plans name, as tables of the configuration file:
 *
 *     [checks.errors]
 *     kind  = "prometheus"
 *     url   = "http://prometheus.internal:9090"
 *     query = 'sum(rate(http_errors{version="canary"}[5m])) / sum(rate(http_requests{version="canary"}[5m]))'
 *     go    = "< 0.01"
 *     harm  = "> 0.05"
 *     every = "30s"
 *
 * `list.ts` has the kinds, and each kind has keys of its own. A daemon with `-releases on` needs the checks
 * of all plans that it leads.
 */

import { type KeyProblem, readTableText, type Tables } from "../config/option.ts";
import { CHECK_NAME } from "../releases/plan-parser.ts";
import { DURATION, type JsonSchema } from "../text/json-schema.ts";
import type { CheckKind, KeyRow, ReadCheck } from "./check-kind.ts";
import { CHECK_KINDS } from "./list.ts";
import { type Report, TableKeys } from "./table-keys.ts";

/** From the beginning of an evaluation to that of the next one. */
export const EVERY_MS = 30_000;
export const EVERY_MS_MIN = 1_000;
export const EVERY_MS_MAX = 3_600_000;

/** An evaluation ends after this time, or after `every` if that is shorter. */
export const TIMEOUT_MS = 10_000;
export const TIMEOUT_MS_MIN = 100;
/** Tests that run behind a webhook may take some minutes. */
export const TIMEOUT_MS_MAX = 600_000;

export interface NamedCheck extends ReadCheck {
  readonly name: string;
  readonly kind: string;
  readonly everyMs: number;
  /** At most `everyMs`. */
  readonly timeoutMs: number;
}

/** The keys of every kind. */
export const COMMON_KEYS: readonly KeyRow[] = [
  {
    name: "kind",
    form: CHECK_KINDS.map(({ name }) => `\`${name}\``).join(" or "),
    absent: "none; the key is required",
    meaning: "the kind of check",
    schema: { enum: CHECK_KINDS.map(({ name }) => name) },
    isRequired: true,
  },
  {
    name: "every",
    form: "a duration from 1s to 1h",
    absent: "`30s`",
    meaning: "the time from the beginning of an evaluation to that of the next one",
    schema: DURATION,
  },
  {
    name: "timeout",
    form: "a duration from 100ms to 10m",
    absent: "`10s`, or `every` if that is shorter",
    meaning: "the longest time of an evaluation; at most `every`",
    schema: DURATION,
  },
];

/** The JSON schema of a table of one kind. */
function schemaOf({ name, summary, keys }: CheckKind): JsonSchema {
  const rows = [...COMMON_KEYS, ...keys];
  const properties = rows.map((row) => [row.name, { description: row.meaning, ...row.schema }]);
  return {
    description: `${name}: ${summary}`,
    type: "object",
    properties: { ...Object.fromEntries(properties), kind: { const: name } },
    required: rows.filter(({ isRequired }) => isRequired).map((row) => row.name),
    additionalProperties: false,
  };
}

/** All named checks. */
export const checks: Tables<NamedCheck> = {
  name: "checks",
  summary: "the named checks of releases; only the configuration file can have them",
  repeatable: true,
  schema: {
    type: "object",
    propertyNames: { pattern: CHECK_NAME.source },
    additionalProperties: { anyOf: CHECK_KINDS.map(schemaOf) },
  },
  parse: (texts) => texts.flatMap((text) => readNamedCheck(text, () => {}) ?? []),
  problemsOf(text) {
    const problems: KeyProblem[] = [];
    readNamedCheck(text, (path, message) => problems.push({ path, message }));
    return problems;
  },
};

/** Reads one table. Undefined only if there is a problem. */
function readNamedCheck(text: string, report: Report): NamedCheck | undefined {
  const [name, table] = readTableText(text);
  if (!CHECK_NAME.test(name)) {
    report(name, 'write a name of at most 64 letters, digits, ".", "-" and "_"');
  }
  const keys = new TableKeys(table, (key, message) => report(`${name}.${key}`, message));
  const kind = readKind(keys);
  const everyMs =
    keys.durationMs("every", { minMs: EVERY_MS_MIN, maxMs: EVERY_MS_MAX, words: "from 1s to 1h" }) ??
    EVERY_MS;
  const range = { minMs: TIMEOUT_MS_MIN, maxMs: TIMEOUT_MS_MAX, words: "from 100ms to 10m" };
  const timeoutMs = keys.durationMs("timeout", range) ?? Math.min(TIMEOUT_MS, everyMs);
  if (timeoutMs > everyMs) keys.report("timeout", "it is longer than every; write a longer every");
  if (kind === undefined) return undefined;
  keys.reportOthers([...COMMON_KEYS, ...kind.keys].map((row) => row.name));
  const read = kind.read(keys);
  return read && { ...read, name, kind: kind.name, everyMs, timeoutMs };
}

function readKind(keys: TableKeys): CheckKind | undefined {
  const names = CHECK_KINDS.map(({ name }) => name);
  const name = keys.required("kind", `"${names[0]}"`, () => keys.word("kind", names));
  return CHECK_KINDS.find((kind) => kind.name === name);
}
