/** The version that a verb means if its operator named none: the one that has a release. Pure. */

import { CANARY, MAINTENANCE } from "../circle.ts";
import { checkRecord } from "../records/check.ts";
import { releaseIn } from "../records/release-in.ts";
import { isUnderWay } from "../releases/release.ts";
import type { Snapshot } from "../stores/store.ts";

/**
 * The names of the versions that may be meant, at least one:
 *
 *   - those with a release that can still change: it is under way, it fades, or it cannot be read and its
 *     version has visitors;
 *   - or else the one with the last release, so that a repeated verb finds the release that it ended;
 *   - or else those that have visitors, or `canary`, so that the answer tells where the visitors are.
 */
export function meantVersions(snapshot: Snapshot): readonly string[] {
  const versions = [...snapshot]
    .filter(([version]) => version !== MAINTENANCE)
    .map(([version, { value }]) => {
      const { rollout } = checkRecord(version, value).arc;
      return { version, rollout, found: releaseIn(value) };
    });
  const open = versions.filter(({ found, rollout }) => {
    if (found.kind === "problem") return rollout > 0;
    return found.kind === "release" && (isUnderWay(found.release) || found.release.fade !== undefined);
  });
  if (open.length > 0) return open.map(({ version }) => version);
  const last = versions
    .flatMap(({ version, found }) => (found.kind === "release" ? [{ version, id: found.release.id }] : []))
    .sort((a, b) => b.id - a.id)[0];
  if (last !== undefined) return [last.version];
  const served = versions.filter(({ rollout }) => rollout > 0).map(({ version }) => version);
  return served.length > 0 ? served : [CANARY];
}
