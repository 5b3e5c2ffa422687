/**
 * The versions of visitors if the store is lost. All get master, but a version whose record has failsafe
 * `hold` keeps its own. Pure.
 */

import { type Arc, MAINTENANCE } from "../../circle.ts";
import type { ApplicationNews } from "../news.ts";
import { durationText, shareText } from "./words.ts";

type News = Pick<ApplicationNews, "arcs" | "isFresh">;

/** The arcs that have visitors now. */
export function arcsNow({ arcs, isFresh }: News): Arc[] {
  return arcs.filter(
    ({ rollout, version, failsafe }) =>
      rollout > 0 && version !== MAINTENANCE && (isFresh || failsafe === "hold"),
  );
}

/** Beside the name of the application; undefined if the snapshot is fresh. */
export function staleBadge(news: News): string | undefined {
  if (news.isFresh) return undefined;
  const kept = arcsNow(news);
  return kept.length === 0 ? "all visitors get master" : `store lost, ${namesOf(kept)} kept`;
}

/** The sentence of the warning; undefined if the snapshot is fresh. */
export function staleWarning(news: News): string | undefined {
  if (news.isFresh) return undefined;
  const kept = arcsNow(news);
  if (kept.length === 0) return "The snapshot of the store is too old, so all visitors get master.";
  const [all] = kept.filter(({ rollout }) => rollout === 1);
  const shares = kept.map(({ version, rollout }) => `${version} keeps ${shareText(rollout)} of the visitors`);
  const held =
    all === undefined ? `${shares.join(", ")}. All others get master.` : `${all.version} keeps all visitors.`;
  return `The snapshot of the store is too old. By failsafe hold, ${held}`;
}

/** How long the snapshot counts. */
export function leaseText(news: News & Pick<ApplicationNews, "leaseMs">, sinceMs: number): string {
  const kept = arcsNow({ ...news, isFresh: false });
  if (kept.length > 0 && kept.length === arcsNow(news).length) {
    return `no end: by failsafe hold, ${namesOf(kept)} kept if the store is lost`;
  }
  if (!news.isFresh) return "over: all visitors get master";
  return `${durationText(Math.max(0, news.leaseMs - sinceMs))} more, if the store is lost now`;
}

/** `canary is`, `blue, canary are`. */
function namesOf(arcs: readonly Arc[]): string {
  return `${arcs.map(({ version }) => version).join(", ")} ${arcs.length === 1 ? "is" : "are"}`;
}
