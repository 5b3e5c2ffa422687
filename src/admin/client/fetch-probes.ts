/** Announces doctor's visitors at a daemon, and reads the outcomes that were reported of them. */

import { type HostPort, hostPortText } from "../../address.ts";
import type { ProbesPage } from "../probes.ts";
import { AdminError } from "./fetch-state.ts";
import { get, type PageAnswer } from "./get.ts";

/** Characters: more than the outcomes of all visitors need that one request can name. */
const LENGTH_MAX = 4 * 1024 * 1024;

/** The head of a request has room for this many assignments. */
export const ASSIGNMENTS_MAX = 300;

/**
 * The page `/probes` of the daemon at `address`. Rejects with an `AdminError`; its code is `foreign` if the
 * daemon is older than this page.
 *
 * @param assignments at most `ASSIGNMENTS_MAX`, each of at most 17 characters
 */
export async function fetchProbes(
  address: HostPort,
  assignments: readonly string[],
  timeoutMs: number,
): Promise<ProbesPage> {
  const url = `http://${hostPortText(address)}/probes`;
  let answer: PageAnswer;
  try {
    const query = assignments.length === 0 ? "" : `?assignment=${assignments.join(",")}`;
    answer = await get(`${url}${query}`, { timeoutMs, lengthMax: LENGTH_MAX });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new AdminError("unreachable", `no daemon answers at ${url}: ${code ?? message}`, { cause: error });
  }
  const page = answer.status === 200 ? parsed(answer.body) : undefined;
  if (isProbesPage(page)) return page;
  throw new AdminError("foreign", `there is no page of probes at ${url} (HTTP status ${answer.status})`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether the answer has all fields of the page. Another program may listen there. */
function isProbesPage(value: unknown): value is ProbesPage {
  if (!isObject(value)) return false;
  const { address, doors, heard, dropped, probes } = value;
  return (
    isOrNull(address, "string") &&
    isObject(doors) &&
    Object.values(doors).every((isOpen) => typeof isOpen === "boolean") &&
    isListOf(heard, (each) => areTexts(each["source"], each["class"]) && isNumber(each["count"])) &&
    isListOf(dropped, (each) => areTexts(each["source"], each["reason"]) && isNumber(each["count"])) &&
    isListOf(probes, (each) => isNumber(each["assignment"]) && isListOf(each["outcomes"], isOutcome))
  );
}

function isOutcome(outcome: Fields): boolean {
  const { door, application, kind, status, location, source, isBrought, durationMs } = outcome;
  return (
    areTexts(door, application, kind) &&
    isNumber(status) &&
    isOrNull(location, "string") &&
    isOrNull(source, "string") &&
    isOrNull(isBrought, "boolean") &&
    isOrNull(durationMs, "number")
  );
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isListOf(value: unknown, isRight: (each: Fields) => boolean): boolean {
  return Array.isArray(value) && value.every((each) => isObject(each) && isRight(each));
}

function isOrNull(value: unknown, type: "string" | "boolean" | "number"): boolean {
  return value === null || typeof value === type;
}

function areTexts(...values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === "string");
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}
