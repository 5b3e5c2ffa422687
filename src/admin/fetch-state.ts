/** Asks a daemon's admin listener what it says of itself: the other side of `/state`. */

import { request } from "node:http";
import { type HostPort, hostPortText } from "../config/values.ts";
import type { State } from "./state.ts";

/** A daemon with ten thousand applications of six versions says less. */
const STATE_BYTES_MAX = 64 * 1024 * 1024;

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
  let response: { status: number; body: string };
  try {
    response = await get(url, timeoutMs);
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

/** Without `fetch`, which would ask the proxy that the environment may name, and the daemon is on this machine. */
function get(url: string, timeoutMs: number): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    // Under any name that leads there: the listener's check of names is against browsers, which cannot send another one.
    const asking = request(url, { headers: { host: "localhost" } }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
        if (body.length > STATE_BYTES_MAX) stop(new Error("its answer is too long"));
      });
      response.on("end", () => finish(() => resolve({ status: response.statusCode ?? 0, body })));
      response.on("error", (error) => finish(() => reject(error)));
    });
    const timer = setTimeout(() => stop(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    function finish(settle: () => void) {
      clearTimeout(timer);
      settle();
    }
    function stop(error: Error) {
      finish(() => reject(error));
      asking.destroy();
    }
    asking.on("error", (error) => finish(() => reject(error)));
    asking.end();
  });
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
