/**
 * Settings about releases that work, but are of no use together. Nothing is refused for them, because the
 * daemons of a fleet often share one configuration file, and only some lead releases.
 */

import { Problem, readTableText, type Settings } from "../config/option.ts";
import { SLICES } from "../leases/traefik/slices.ts";
import { traefikVersions } from "../leases/traefik.ts";
import { notify } from "../notices/options.ts";
import { DEFAULT_PLAN, type NamedPlan, plans } from "../releases/named-plans.ts";
import { releases, store } from "../settings/options.ts";
import { resolveStore } from "../stores/list.ts";

export interface ReleaseRemark {
  /** The setting that it belongs to, as `-notify`. */
  readonly setting: string;
  /** The mistake, what follows, and what to do. */
  readonly text: string;
}

type Read = Pick<Settings, "get">;

/** Remarks on the daemon's flags. */
export function flagRemarks(settings: Read): readonly ReleaseRemark[] {
  const isLeading = settings.get(releases);
  const remarks: ReleaseRemark[] = [];
  if (!isLeading && settings.get(notify).length > 0) {
    remarks.push({
      setting: "-notify",
      text: "this daemon sends no notices, because only daemons with -releases on do; give it -releases on, or leave -notify out",
    });
  }
  const resolved = resolveStore(settings.get(store));
  const kind = resolved instanceof Problem ? undefined : resolved.kind;
  if (isLeading && kind?.isReadOnly) {
    remarks.push({
      setting: "-releases",
      text: `this daemon can advance no release, because stores of the kind ${kind.name} are read-only; use another store, or -releases off`,
    });
  }
  return remarks;
}

/**
 * Remarks on the plans, if Traefik divides visitors by slices. A slice has many visitors, so a release there
 * cannot wait for `ok`, and a share is a number of slices.
 *
 * @param texts of the plans in the configuration file
 */
export function planRemarks(settings: Read, texts: readonly string[]): readonly ReleaseRemark[] {
  if (settings.get(traefikVersions).length === 0) return [];
  const ofFile = new Set(texts.map((text) => readTableText(text)[0]));
  // The plan that is there without a file matters only if this daemon has to do with releases.
  const all = settings
    .get(plans)
    .filter(({ name }) => ofFile.has(name) || (name === DEFAULT_PLAN && settings.get(releases)));
  return all.flatMap((plan) => remarksOn(plan));
}

function remarksOn({ name, plan: { steps } }: NamedPlan): ReleaseRemark[] {
  const setting = `plans.${name}`;
  const remarks: ReleaseRemark[] = [];
  if (steps.some(({ wait }) => wait.ok !== undefined)) {
    remarks.push({
      setting,
      text: "it waits for ok, which Traefik's slices cannot give, so release refuses it here; wait for approve or a check instead",
    });
  }
  if (steps.some(({ rollout }) => rollout < 1 / SLICES)) {
    remarks.push({
      setting,
      text: `a share below ${100 / SLICES}% is less than one of Traefik's slices, so no visitor or too many may get it; begin with ${100 / SLICES}%`,
    });
  }
  return remarks;
}
