/**
 * The daemon's own account of itself, over its admin listener and over the socket that proxies ask. Nothing
 * here rejects: if the daemon does not answer, the result says why.
 */

import { type HostPort, hostPortText } from "../address.ts";
import { ASSIGNMENTS_MAX, fetchProbes } from "../admin/client/fetch-probes.ts";
import { AdminError, fetchState } from "../admin/client/fetch-state.ts";
import type { ProbesPage } from "../admin/probes.ts";
import type { ApplicationState, State } from "../admin/state.ts";
import { ClientError, explain } from "../client/line.ts";
import { type ServedArc, servedArcs } from "./site/probe-points.ts";

/** A daemon that runs answers at once. */
const ANSWER_TIMEOUT_MS = 2_000;

export type SocketAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** The socket's answer to one question. */
export interface SocketAnswer {
  readonly arcs: readonly ServedArc[];
  readonly application: string;
  /** One of `REASONS`. */
  readonly reason: string;
}

export interface Unanswered {
  readonly why: string;
  /** A code of the system, such as ECONNREFUSED, or of the client, such as timeout. */
  readonly code: string;
}

export class DaemonSide {
  readonly socket: SocketAddress | null;
  readonly admin: HostPort | null;
  /** The application that the operator named; if there is none, the daemon's first one counts. */
  readonly #application: string | undefined;

  constructor(socket: SocketAddress | null, admin: HostPort | null, application: string | undefined) {
    this.socket = socket;
    this.admin = admin;
    this.#application = application;
  }

  /** Reads the page `/state` of the admin listener. */
  async state(): Promise<State | Unanswered> {
    if (this.admin === null) return { why: "-admin is none", code: "none" };
    try {
      return await fetchState(this.admin, ANSWER_TIMEOUT_MS);
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
      return { why: error.message, code: error.code };
    }
  }

  /**
   * Announces visitors with these assignments, so that the daemon keeps their outcomes for doctor and out of
   * the evidence. Says what it heard of them so far.
   */
  async probes(assignments: readonly string[]): Promise<ProbesPage | Unanswered> {
    if (this.admin === null) return { why: "-admin is none", code: "none" };
    try {
      const page = await fetchProbes(this.admin, assignments.slice(0, ASSIGNMENTS_MAX), ANSWER_TIMEOUT_MS);
      if (assignments.length <= ASSIGNMENTS_MAX) return page;
      const rest = await this.probes(assignments.slice(ASSIGNMENTS_MAX));
      return isProbes(rest) ? { ...rest, probes: [...page.probes, ...rest.probes] } : rest;
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
      return { why: error.message, code: error.code };
    }
  }

  /** The address of its admin listener, by which doctor names it. */
  get name(): string {
    return this.admin === null ? "none" : hostPortText(this.admin);
  }

  /** Asks the socket as a proxy does. The daemon counts this as one decision. */
  async ask(): Promise<SocketAnswer | Unanswered> {
    if (this.socket === null) return { why: "-socket is none", code: "none" };
    try {
      const { arcs, application, reason } = await explain({
        address: this.socket,
        assignment: "0.5",
        application: this.#application,
        timeoutMs: ANSWER_TIMEOUT_MS,
      });
      return { arcs: arcs.flatMap((arc) => parsedArc(arc) ?? []), application, reason };
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
      return { why: error.message, code: code ?? error.code };
    }
  }

  /**
   * The arcs that decide now; undefined if no daemon answers. If there are none, all visitors go to master.
   */
  async arcs(): Promise<readonly ServedArc[] | undefined> {
    const state = await this.state();
    if (isState(state)) {
      const application = this.applicationOf(state);
      return application && effectiveArcs(application);
    }
    const answer = await this.ask();
    if (!isAnswer(answer)) return undefined;
    return /^(stale|unread)$/.test(answer.reason) ? [] : servedArcs(answer.arcs);
  }

  /** Whether the operator named the application. */
  get isNamed(): boolean {
    return this.#application !== undefined;
  }

  applicationOf(state: State): ApplicationState | undefined {
    return this.#application === undefined
      ? state.applications[0]
      : state.applications.find(({ name }) => name === this.#application);
  }
}

export function isState(state: State | Unanswered): state is State {
  return "applications" in state;
}

export function isProbes(page: ProbesPage | Unanswered): page is ProbesPage {
  return "probes" in page;
}

/** Why something cannot be seen at a daemon that does not name the protocols and addresses of its servers. */
export const OLDER_DAEMON =
  "the daemon is older than doctor and does not describe its servers: restart the daemon with this version";

/** Whether the daemon describes its servers by fields; version 3.0 has only their names. */
export function namesServers({ servers }: Pick<State, "servers">): boolean {
  // A daemon of another version may leave out fields that the type has.
  return servers.every(
    ({ protocol, address }: { readonly protocol?: unknown; readonly address?: unknown }) =>
      typeof protocol === "string" && typeof address === "object" && address !== null,
  );
}

export function isAnswer(answer: SocketAnswer | Unanswered): answer is SocketAnswer {
  return "arcs" in answer;
}

/**
 * The arcs that count: all of them if the snapshot is fresh, and those with failsafe `hold` if it is stale.
 */
export function effectiveArcs({ fresh, arcs }: ApplicationState): readonly ServedArc[] {
  return servedArcs(arcs.filter(({ failsafe }) => fresh || failsafe === "hold"));
}

/** Decisions so far, by location: those of the daemon, and those that proxies report. */
export function decisionsBy({ decisions, reported }: ApplicationState): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { location, count } of [...decisions, ...(reported ?? [])])
    counts[location] = (counts[location] ?? 0) + count;
  return counts;
}

/** Reads `canary=0.25@0`. */
function parsedArc(text: string): ServedArc | undefined {
  const [, version = "", rollout, offset] = /^([^=]+)=([^@]+)@(.+)$/.exec(text) ?? [];
  const arc = { version, rollout: Number(rollout), offset: Number(offset) };
  return arc.rollout >= 0 && arc.offset >= 0 ? arc : undefined;
}
