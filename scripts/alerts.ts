/** The alerts of integrations/prometheus/rules.yml: their only source, because operators copy it. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

export const RULES_FILE = join(import.meta.dir, "../integrations/prometheus/rules.yml");

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  /** The time for which the expression has to be true; undefined for one evaluation. */
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: {
    readonly summary: string;
    readonly description: string;
    /** The section of docs/monitoring.md. */
    readonly runbook: string;
  };
}

/** In the order of the file. */
export function alerts(): readonly Alert[] {
  const { groups } = Bun.YAML.parse(readFileSync(RULES_FILE, "utf8")) as {
    readonly groups: readonly { readonly rules: readonly Alert[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
}
