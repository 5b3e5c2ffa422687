/**
 * Takes the body of a request: OTLP logs at `/v1/logs`, lines of text at `/outcomes`. A long body takes
 * slices of the event loop, and visitors are answered between two of them.
 */

import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Slices } from "../../slices.ts";
import type { Intake } from "../intake.ts";
import { logSteps } from "../otlp/logs.ts";
import { emptyOutcome } from "../outcome.ts";
import { reportsIn } from "../report.ts";
import type { IncomingHead, Refusal } from "./incoming.ts";

/** The longest body when it is unpacked. */
const UNPACKED_BYTES_MAX = 4_194_304;

/** The answer to a request: 200, or a refusal. */
export interface Answer extends Refusal {
  readonly contentType: string;
}

const TEXT = "text/plain; charset=utf-8";

const refused = (status: number, text: string): Answer => ({ status, contentType: TEXT, text });

const unpack = promisify(gunzip);

/** Why a request is refused before its body is read; undefined if it is not. */
export function refusalOf({ method, path, fields }: IncomingHead): Answer | undefined {
  if (path !== "/v1/logs" && path !== "/outcomes") {
    return refused(404, "POST outcomes as lines of text to /outcomes, or as OTLP to /v1/logs\n");
  }
  if (method !== "POST") return refused(405, "use POST\n");
  // Browsers send one of these. A page on the web must not make its visitors report outcomes here.
  if (fields.has("origin") || fields.has("sec-fetch-site")) {
    return refused(403, "a browser may not report outcomes\n");
  }
  const encoding = fields.get("content-encoding") ?? "identity";
  if (encoding !== "identity" && encoding !== "gzip") {
    return refused(415, "send the body as it is, or with gzip\n");
  }
  if (path === "/v1/logs" && fields.get("content-type")?.startsWith("application/json")) {
    return refused(415, "send OTLP as protobuf\n");
  }
  return undefined;
}

/** Takes all reports of a body. Never rejects. */
export async function takeBody(head: IncomingHead, packed: Buffer, intake: Intake): Promise<Answer> {
  let body = packed;
  if (head.fields.get("content-encoding") === "gzip") {
    try {
      body = await unpack(packed, { maxOutputLength: UNPACKED_BYTES_MAX });
    } catch {
      return refused(400, `the body is not gzip, or has more than ${UNPACKED_BYTES_MAX} bytes in it\n`);
    }
  }
  return head.path === "/outcomes" ? takeLines(body, intake) : takeLogs(body, intake);
}

async function takeLines(body: Buffer, intake: Intake): Promise<Answer> {
  const slices = new Slices();
  let counted = 0;
  for (const report of reportsIn(body.toString("utf8"))) {
    if (intake.report(report, "http")) counted++;
    if (slices.isOverNow()) await slices.next();
  }
  return { status: 200, contentType: TEXT, text: `${counted}\n` };
}

async function takeLogs(body: Buffer, intake: Intake): Promise<Answer> {
  const slices = new Slices();
  // Between two slices other doors read their own reports, so this body has a draft of its own.
  const draft = emptyOutcome();
  const steps = logSteps(body, draft);
  for (;;) {
    const { value, done } = steps.next();
    if (done === true) {
      // The client sees only the status, and a proxy writes its error log if it is not 200.
      if (value) return { status: 200, contentType: "application/x-protobuf", text: "" };
      intake.handOn(draft, "otlp", "a request of OTLP that is not whole", "otlp");
      return refused(400, "this is not a request of OTLP logs in protobuf\n");
    }
    if (value !== "step") {
      intake.handOn(draft, value === "outcome" ? undefined : value, "a record of OTLP", "otlp");
    }
    if (value === "step" ? slices.isOver() : slices.isOverNow()) await slices.next();
  }
}
