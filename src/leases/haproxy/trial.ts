/** Asks a HAProxy whether it has the map, and changes nothing. */

import { type Address, addressText } from "../../address.ts";
import type { LeaseTrial } from "../lease.ts";
import { isUnknownMap, NAME_THE_MAP } from "./remedy.ts";
import { RuntimeApi } from "./runtime-api.ts";

/** A HAProxy on this machine answers at once. */
const ANSWER_TIMEOUT_MS = 1_000;

/** Never rejects. If HAProxy is away, the result is only a warning, because the daemon copes with that. */
export async function tryHaproxy(socket: Address, map: string): Promise<LeaseTrial> {
  const place = addressText(socket);
  try {
    const api = await RuntimeApi.open(socket, ANSWER_TIMEOUT_MS);
    try {
      const reply = await api.ask(`show map ${map}`);
      if (!isUnknownMap(reply)) {
        return { level: "ok", text: `HAProxy answers at ${place}, and has the map ${map}` };
      }
      return { level: "warning", text: `HAProxy at ${place} has no map ${map}; ${NAME_THE_MAP}` };
    } finally {
      api.close();
    }
  } catch (error) {
    const follows = "until it does, HAProxy sends all visitors to master; the daemon tries again";
    const reason = (error as Error).message;
    return { level: "warning", text: `HAProxy does not answer at ${place}: ${reason}; ${follows}` };
  }
}
