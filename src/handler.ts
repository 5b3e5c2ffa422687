/**
 * Request → decision: the one place in which requests meet the rollouts of the store. Synchronous, without
 * I/O, and total: every request gets a decision, and in doubt the decision is master.
 */

import { assignmentOfKey, drawAssignment } from "./assignment.ts";
import { MASTER } from "./circle.ts";
import type { Placement } from "./placement.ts";
import type { Rollout } from "./rollout.ts";

/**
 * The fields that a server read from a proxy. One object serves all requests of a server, so no request
 * allocates one.
 */
export interface Request {
  /** The visitor's number in [0, 1); NaN if it brought none. */
  assignment: number;
  /** False if the request could not be read. The reply is then a fresh assignment and master. */
  valid: boolean;
  /** The name of a served application; undefined for the default one. */
  application: string | undefined;
  /** A stable id of the visitor, used if there is no assignment. */
  key: string | undefined;
  /** The location that the visitor asks for; obeyed only if the operator allows it. */
  force: string | undefined;
}

/** The answer. One object serves all requests of a server. */
export interface Decision {
  /** The number in [0, 1) that the visitor is to keep. */
  assignment: number;
  placement: Placement;
}

export interface HandlerOptions {
  readonly rollout: Rollout;
  /** Whether requests may force their location. */
  readonly allowForce: boolean;
  /** Randomness for new visitors: uniform in [0, 1). */
  readonly random?: () => number;
}

/** A request before a server has filled it in. */
export function emptyRequest(): Request {
  return { assignment: Number.NaN, valid: true, application: undefined, key: undefined, force: undefined };
}

export class Handler {
  readonly #rollout: Rollout;
  /** Whether requests may force their location. If not, a server need not read that field. */
  readonly allowsForce: boolean;
  readonly #random: () => number;
  readonly #invalid: Placement;
  readonly #unknownApplication: Placement;

  constructor(options: HandlerOptions) {
    this.#rollout = options.rollout;
    this.allowsForce = options.allowForce;
    this.#random = options.random ?? Math.random;
    const first = options.rollout.applications[0] as string;
    this.#invalid = options.rollout.placements.of(first, MASTER, "invalid");
    this.#unknownApplication = options.rollout.placements.of(first, MASTER, "unknown-application");
  }

  /** A decision object for a server to pass to `decide`. */
  emptyDecision(): Decision {
    return { assignment: 0, placement: this.#invalid };
  }

  /**
   * Decides, counts, and writes the answer into `decision`.
   *
   * @param nowMs the time of the request in milliseconds, on the clock with which the feed applies tables
   */
  decide(request: Readonly<Request>, nowMs: number, decision: Decision): void {
    decision.assignment = this.#assign(request);
    decision.placement = this.#place(request, decision.assignment, nowMs);
    decision.placement.count++;
  }

  #assign(request: Readonly<Request>): number {
    const { assignment } = request;
    if (request.valid && !Number.isNaN(assignment)) return assignment;
    if (request.valid && request.key !== undefined) return assignmentOfKey(request.key);
    return drawAssignment(this.#random());
  }

  #place(request: Readonly<Request>, assignment: number, nowMs: number): Placement {
    if (!request.valid) return this.#invalid;
    const { application } = request;
    const table = application === undefined ? this.#rollout.first : this.#rollout.table(application);
    if (table === undefined) return this.#unknownApplication;
    if (request.force !== undefined && this.allowsForce) {
      const forced = table.forced(request.force, nowMs);
      if (forced !== undefined) return forced;
    }
    return table.locate(assignment, nowMs);
  }
}
