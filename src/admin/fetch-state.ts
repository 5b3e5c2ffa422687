/** Asks a daemon's admin listener what it says of itself: the other side of `/state`. */

import { type HostPort, hostPortText } from "../config/values.ts";
import { type Answer, get } from "./get.ts";
import type { State } from "./state.ts";

/** A daemon with ten thousand applications of six versions says less, in characters. */
const STATE_LENGTH_MAX = 64 * 1024 * 1024;

export class AdminError extends Error {
  override readonly name = "AdminError";
  /** Nobody answers, or somebody who is not this daemon. */
  readonly code: "unreachable" | "foreign";

  constructor(code: AdminError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What the daemon at `address` says. Rejects with an `AdminError`. */
export async function fetchState(address: HostPort, timeoutMs: number): Promise<State> {
  const url = `http://${hostPortText(address)}/state`;
  let response: Answer;
  try {
    response = await get(url, { timeoutMs, lengthMax: STATE_LENGTH_MAX });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new AdminError("unreachable", `nobody answers at ${url}: ${code ?? message}`, { cause: error });
  }
  const state = response.status === 200 ? parsed(response.body) : undefined;
  if (!isState(state)) {
    throw new AdminError(
      "foreign",
      `who answers at ${url} is not this daemon (HTTP status ${response.status})`,
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

/** Enough to know whose answer this is. */
function isState(value: unknown): value is State {
  const state = value as Partial<State> | null | undefined;
  return Array.isArray(state?.applications) && Array.isArray(state.servers) && typeof state.pid === "number";
}
