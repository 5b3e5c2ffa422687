/**
 * Request → decision: the one place where the two flows meet. Synchronous, without I/O, and total: every request
 * gets a decision, and every doubt is decided for master.
 */

import { assignmentOfKey, drawAssignment } from "./assignment.ts";
import { MASTER } from "./circle.ts";
import type { Placement } from "./placement.ts";
import type { Rollout } from "./rollout.ts";

/** What a server read from a proxy. One object serves all of a server's requests, so that none is allocated. */
export interface Request {
  /** The visitor's number in [0, 1); NaN where it brought none. */
  assignment: number;
  /** False where the request could not be read: a fresh assignment and master. */
  valid: boolean;
  /** One of those served; undefined for the default. */
  application: string | undefined;
  /** A stable id of the visitor, used where there is no assignment. */
  key: string | undefined;
  /** The location that the visitor asks for; obeyed only where the operator allows it. */
  force: string | undefined;
}

/** The answer; also one object for all of a server's requests. */
export interface Decision {
  /** The number that the visitor is to keep. */
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

/** A request as it is before anything has been read into it. */
export function emptyRequest(): Request {
  return { assignment: Number.NaN, valid: true, application: undefined, key: undefined, force: undefined };
}

export class Handler {
  readonly #rollout: Rollout;
  /** Whether it is worth a server's while to read what a request wants to force. */
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
   * @param nowMs the moment of the request, on the clock that the feed applies tables with
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
