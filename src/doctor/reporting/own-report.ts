/**
 * Doctor's own report: it goes to the daemon as a proxy's would. If the daemon hears it, the way is open, and
 * the fault is in the proxy.
 */

import { createSocket } from "node:dgram";
import { isIP } from "node:net";
import type { ProbesPage } from "../../admin/probes.ts";
import { type DaemonSide, isProbes } from "../daemon-side.ts";

/** A datagram on one machine takes much less. */
const HEARD_MS = 1_000;

const LOOK_EVERY_MS = 50;

/**
 * Whether the daemon hears a datagram that doctor sends to its address for outcomes. Undefined if it hears
 * none by its settings, or if doctor is not on its machine.
 */
export async function hearsOwnReport(
  daemon: DaemonSide,
  { address, doors }: ProbesPage,
  assignment: string,
): Promise<boolean | undefined> {
  const to = doors["udp"] === true && address !== null ? reachable(address) : undefined;
  if (to === undefined || !isLoopback(daemon.admin?.host ?? "")) return undefined;
  await daemon.probes([assignment]);
  if (!(await sent(`- master ${assignment} 200 0.001 1\n`, to))) return undefined;
  const untilMs = performance.now() + HEARD_MS;
  for (;;) {
    const page = await daemon.probes([assignment]);
    if (isProbes(page) && page.probes.some(({ outcomes }) => outcomes.length > 0)) return true;
    if (performance.now() >= untilMs) return false;
    await Bun.sleep(LOOK_EVERY_MS);
  }
}

interface Target {
  readonly host: string;
  readonly port: number;
}

/** An address of this machine by which a daemon is reached that listens at `address`. */
function reachable(address: string): Target | undefined {
  const [, host = "", port] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(address) ?? [];
  if (isIP(host) === 0) return undefined;
  const own = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
  return { host: own, port: Number(port) };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

/** Sends one datagram; false if the system refuses it. */
function sent(text: string, { host, port }: Target): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIP(host) === 6 ? "udp6" : "udp4");
    const finish = (isSent: boolean) => {
      socket.close();
      resolve(isSent);
    };
    socket.once("error", () => finish(false));
    socket.send(text, port, host, (error) => finish(error === null));
  });
}
