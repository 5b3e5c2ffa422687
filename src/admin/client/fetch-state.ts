/** Reads the page `/state` of a daemon's admin listener. */

import { type HostPort, hostPortText } from "../../address.ts";
import type { State } from "../state.ts";
import { get, type PageAnswer } from "./get.ts";

/** Characters: more than a daemon with ten thousand applications of six versions needs. */
const STATE_LENGTH_MAX = 64 * 1024 * 1024;

export class AdminError extends Error {
  override readonly name = "AdminError";
  /** `unreachable`: nothing answers. `foreign`: another program answers. */
  readonly code: "unreachable" | "foreign";

  constructor(code: AdminError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Reads the state of the daemon at `address`. Rejects with an `AdminError`. */
export async function fetchState(address: HostPort, timeoutMs: number): Promise<State> {
  const url = `http://${hostPortText(address)}/state`;
  let response: PageAnswer;
  try {
    response = await get(url, { timeoutMs, lengthMax: STATE_LENGTH_MAX });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new AdminError("unreachable", `no daemon answers at ${url}: ${code ?? message}`, { cause: error });
  }
  const state = response.status === 200 ? parsed(response.body) : undefined;
  if (!isState(state)) {
    throw new AdminError(
      "foreign",
      `the program that answers at ${url} is not this daemon (HTTP status ${response.status})`,
    );
  }
  return state;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Whether the answer has enough fields to be a daemon's state and to be printed. Another program may listen
 * there.
 */
function isState(value: unknown): value is State {
  if (!isObject(value)) return false;
  const { pid, applications, servers } = value;
  if (typeof pid !== "number" || !Array.isArray(applications) || !Array.isArray(servers)) return false;
  return applications.every(isApplication) && servers.every(isObject);
}

function isApplication(value: unknown): boolean {
  if (!isObject(value) || typeof value["name"] !== "string" || !isObject(value["reads"])) return false;
  const lists = [value["arcs"], value["decisions"], value["malformed"], value["reported"] ?? []];
  return lists.every(Array.isArray) && [value["arcs"], value["decisions"]].flat().every(isObject);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
