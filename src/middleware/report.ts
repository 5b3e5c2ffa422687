/**
 * Reports what became of a request of `node:http`: its status, its duration, or that the visitor left. A
 * middleware calls it for each visit that the daemon decided.
 */

import type { ServerResponse } from "node:http";
import type { Client } from "../client/client.ts";
import type { VisitOutcome } from "./visit.ts";

/** The parts of a report that are known when the request is decided. */
export interface Reported {
  readonly client: Client;
  readonly application: string | undefined;
  readonly visit: VisitOutcome;
  /** The visitor's address, as the framework trusts it. */
  readonly source: string | undefined;
  /** On the clock of `performance.now()`. */
  readonly beganAtMs: number;
}

/** Reports the outcome when the response ends, or when its connection is gone before. */
export function reportResponse(
  response: Pick<ServerResponse, "once" | "statusCode">,
  reported: Reported,
): void {
  let isTold = false;
  const tell = (hasEnded: boolean) => {
    if (isTold) return;
    isTold = true;
    reportStatus(hasEnded ? response.statusCode : undefined, reported);
  };
  response.once("finish", () => tell(true));
  response.once("close", () => tell(false));
}

/** @param status undefined if the visitor left before the end of the answer */
export function reportStatus(status: number | undefined, reported: Reported): void {
  const { client, application, visit, source, beganAtMs } = reported;
  const { decision, isBrought, isForced } = visit;
  if (!decision.isDecided) return;
  const durationMs = performance.now() - beganAtMs;
  const { assignment, location } = decision;
  client.report({ assignment, location, status, application, durationMs, isBrought, isForced, source });
}
