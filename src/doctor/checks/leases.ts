/**
 * Each proxy that decides by itself has a lease that is renewed. Each lease has a verdict of its own, because
 * one good lease proves nothing about another one.
 *
 * The daemon renews the leases of HAProxy's map and of Apache's map by itself, and counts its failures.
 * Traefik requests its configuration. nginx with a lease asks over the socket, like a proxy that asks for
 * each visitor. So this check only describes that listener, and `proxy-asks` judges the proxy at `-url`.
 */

import type { State } from "../../admin/state.ts";
import type { LeaseKind } from "../../leases/lease.ts";
import { LEASES } from "../../leases/list.ts";
import { isUnheard } from "../asking.ts";
import type { Check } from "../check.ts";
import { isState, namesServers, OLDER_DAEMON } from "../daemon-side.ts";
import { causing, fail, pass, skipped } from "../finding.ts";
import type { Subject } from "../subject.ts";

/** The daemon renews leases twice a second, and Traefik asks once a second. */
const WATCH_MS = 2_500;

type Counts = State["servers"][number];

/** The counts of one lease while doctor watched it. */
interface Lease extends Pick<Counts, "name" | "protocol" | "listens" | "leasesTo"> {
  readonly renewed: number;
  readonly failed: number;
  /** Failed since the daemon started. */
  readonly failedEver: number;
}

export const leases: Check = {
  id: "leases",
  title: "each proxy that decides by itself has its lease renewed",
  follows: ["daemon"],
  isRepeated: true,

  skip: ({ state }) =>
    !isState(state)
      ? "only the admin listener has the daemon's counts"
      : !namesServers(state)
        ? OLDER_DAEMON
        : state.servers.some(isRenewed)
          ? undefined
          : `this daemon renews no lease: it was started with none of ${LEASES.map(({ name }) => `-${name}`).join(", ")}`,

  async run(subject, signal) {
    const before = await serversOf(subject);
    await Bun.sleep(WATCH_MS);
    const after = await serversOf(subject);
    if (before === undefined || after === undefined) return skipped("the admin listener stopped answering");
    const grown = after.map((server) => grownSince(before, server));
    const [watched, listeners] = [grown.filter(isRenewed), grown.filter((server) => !isRenewed(server))];
    const evidence = {
      renewed: Object.fromEntries(watched.map(({ name, renewed }) => [name, renewed])),
      failed: Object.fromEntries(watched.map(({ name, failed }) => [name, failed])),
      answered: Object.fromEntries(listeners.map(({ name, renewed }) => [name, renewed])),
    };
    const lost = watched.filter(({ renewed, failed }) => renewed === 0 || failed > renewed);
    if (lost.length === 0) return pass(grown.map(described).join("; "), evidence);
    const finding = fail(
      `${lost.map(described).join("; ")}. A proxy without its lease sends all visitors to master`,
      lost.map(remedyOf).join("; "),
      evidence,
    );
    // HAProxy may ask over SPOE, and use the map only for maintenance. Then a lost map costs no visitors.
    return lost.some(({ leasesTo }) => isFront(leasesTo, subject)) && isUnheard(await subject.asking(signal))
      ? causing(finding, "the proxy at -url has no lease, so all visitors go to master")
      : finding;
  },
};

function isRenewed({ leasesTo }: Pick<Counts, "leasesTo">): boolean {
  return leasesTo !== null;
}

async function serversOf({ daemon }: Subject): Promise<readonly Counts[] | undefined> {
  const state = await daemon.state();
  return isState(state) ? state.servers : undefined;
}

function grownSince(before: readonly Counts[], server: Counts): Lease {
  const { name, protocol, listens, leasesTo, success, failure } = server;
  const old = before.find((each) => each.name === name);
  return {
    ...{ name, protocol, listens, leasesTo },
    renewed: success - (old?.success ?? 0),
    failed: failure - (old?.failure ?? 0),
    failedEver: failure,
  };
}

function described(lease: Lease): string {
  const { name, protocol, listens, renewed, failed, failedEver } = lease;
  if (!isRenewed(lease)) return `${name} answered ${renewed} requests meanwhile`;
  if (listens)
    return renewed > 0
      ? `${name} was asked ${renewed} times`
      : `no ${kindOf(protocol)?.proxy.title ?? "proxy"} asks ${name} for its configuration`;
  if (renewed > 0 && failed === 0) return `${name} was renewed ${renewed} times`;
  return `${name} is not renewed: ${failed} failures meanwhile, ${failedEver} since the daemon started`;
}

function remedyOf({ protocol }: Lease): string {
  return kindOf(protocol)?.remedy ?? "read the daemon's log, which says why";
}

/** The kind of a lease; undefined if only the daemon knows it, because the daemon is of another version. */
function kindOf(protocol: string): LeaseKind | undefined {
  return LEASES.find(({ name }) => name === protocol);
}

/**
 * Whether a lease surely belongs to the proxy at `-url`: the daemon has no other lease for this kind of
 * proxy, and no other proxy listens there.
 */
function isFront(proxy: string | null, { front, state }: Subject): boolean {
  const leases = isState(state) ? state.servers.filter(({ leasesTo }) => leasesTo === proxy) : [];
  return leases.length === 1 && front?.length === 1 && front[0]?.name === proxy;
}
