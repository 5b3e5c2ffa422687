/**
 * The lines of the line protocol that begin with `?`: questions of a proxy or an operator beside decisions.
 * Each answer is two lines, like all answers of this protocol. Pure, except that `?served` adds to the
 * reports, `?outcome` is handed on, and `?explain` is counted as a decision.
 *
 *     ?lease                                → milliseconds LF arcs LF
 *     ?served canary=120 master=880         → number of counted visitors LF LF
 *     ?outcome website canary 0.42 200 …    → 1 LF LF, or 0 if it does not count
 *     ?explain 0.42 key=…                   → assignment SP location LF reason=… application=… arcs LF
 *
 * A proxy asks these once a second, not once a request, so the answers may allocate. It may report each
 * outcome, after the visitor has the answer.
 */

import { assignmentOfText } from "../../assignment.ts";
import { MAINTENANCE, MASTER, spell } from "../../circle.ts";
import { type Decision, emptyRequest, type Handler } from "../../handler.ts";
import type { Intake } from "../../intake/intake.ts";
import type { Reports } from "../../reports.ts";
import type { Rollout, Table } from "../../rollout.ts";
import type { Peer } from "../../stream/peer.ts";
import { applyFields, parseFields } from "./codec.ts";
import { REPORTED_AT_ONCE_MAX, type ReportBudget } from "./report-budget.ts";

/** The longest answer: all versions of an application, with the longest names and numbers. */
export const ANSWER_BYTES_MAX = 16_384;

export interface QuestionContext {
  readonly handler: Handler;
  readonly rollout: Rollout;
  readonly reports: Reports;
  readonly budget: ReportBudget;
  readonly intake: Intake;
  /** An object that `?explain` uses for its decision. */
  readonly decision: Decision;
}

/**
 * Answers a question.
 *
 * @param line  the line without its LF, beginning with `?`
 * @param asker the client; its peer is looked up only for `?served`, its address only for `?outcome`
 * @returns both lines, or undefined if the line is not one of the questions above
 */
export function answerQuestion(
  line: string,
  context: QuestionContext,
  nowMs: number,
  asker: { readonly peer: Peer; readonly remoteAddress: string | undefined },
): string | undefined {
  const [, question, rest] = /^\?([a-z]+)(?: (.*))?$/s.exec(line) ?? [];
  if (question === "outcome") return outcome(rest ?? "", context.intake, asker.remoteAddress);
  if (question === "explain") return explain(rest ?? "", context, nowMs);
  const fields = rest === undefined ? new Map<string, string>() : parseFields(rest);
  if (fields === undefined) return undefined;
  const application = fields.get("application") || context.rollout.applications[0];
  const table = application === undefined ? undefined : context.rollout.table(application);
  if (question === "lease") return lease(table, nowMs);
  if (question === "served" && table !== undefined) {
    const counts = readServed(table, fields);
    return counts && report(application as string, counts, context, asker.peer, nowMs);
  }
  return undefined;
}

/**
 * The answer to `?lease`. An application that is not served here has no lease, so its visitors go to master.
 */
function lease(table: Table | undefined, nowMs: number): string {
  if (table === undefined) return "0\n\n";
  const { durationMs, arcs } = table.lease(nowMs);
  return `${durationMs}\n${spell(arcs)}\n`;
}

/**
 * Takes a report. It has the form of all reports (docs/protocol/outcomes.md), without percent-encoding. Over
 * TCP another machine may ask, and may not report unless the operator says so.
 */
function outcome(report: string, intake: Intake, address: string | undefined): string {
  if (!intake.isOpenTo(address, "line")) return "0\n\n";
  // The line was read as Latin-1, one character a byte.
  const text = Buffer.from(report, "latin1").toString("utf8");
  return intake.report(text, "line") ? "1\n\n" : "0\n\n";
}

type Served = readonly (readonly [location: string, count: number])[];

/** The reported counts; undefined if any of them is malformed. */
function readServed(table: Table, fields: ReadonlyMap<string, string>): Served | undefined {
  const counts: [location: string, count: number][] = [];
  for (const [name, text] of fields) {
    if (name === "application") continue;
    const count = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    const isVersion = name !== MAINTENANCE && table.arcs.some((arc) => arc.version === name);
    const isKnown = isVersion || name === MASTER || name === FAILURE;
    if (!(count <= REPORTED_AT_ONCE_MAX) || !isKnown) return undefined;
    counts.push([name, count]);
  }
  return counts;
}

/**
 * Counts a report, and answers with the number of its visitors. Answers 0 and counts nothing if the peer
 * cannot have had that many since its last report.
 */
function report(application: string, counts: Served, context: QuestionContext, peer: Peer, nowMs: number) {
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  if (!context.budget.take(peer, total, nowMs)) return "0\n\n";
  for (const [name, count] of counts) {
    if (name === FAILURE) context.reports.add(application, MASTER, "failure", count);
    else context.reports.add(application, name, "decided", count);
  }
  return `${total}\n\n`;
}

/** The name, in a report, for visitors that went to master because the proxy could not decide. */
const FAILURE = "failure";

/** The decision for a request, with its reason. It is a real decision, so it is counted. */
function explain(text: string, context: QuestionContext, nowMs: number): string {
  const request = emptyRequest();
  const [, assignment, , names] = /^([^ ]*)( (.*))?$/s.exec(text) ?? [];
  if (assignment !== undefined && assignment !== "") {
    request.assignment = assignmentOfText(assignment);
    request.valid = !Number.isNaN(request.assignment);
  }
  if (names !== undefined) {
    const fields = parseFields(names);
    if (fields === undefined) request.valid = false;
    else applyFields(fields, request);
  }
  context.handler.decide(request, nowMs, context.decision);
  const { assignment: assigned, placement } = context.decision;
  const application = request.application ?? placement.application;
  const arcs = context.rollout.table(application)?.arcs ?? [];
  const explanation = `reason=${placement.reason} application=${encodeURIComponent(placement.application)} ${spell(arcs)}`;
  return `${assigned} ${placement.location}\n${explanation.trimEnd()}\n`;
}
