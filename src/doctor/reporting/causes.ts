/** Why nothing comes from a proxy: what the daemon counted meanwhile, and the lines that report. Pure. */

import type { ProbesPage } from "../../admin/probes.ts";
import { UNDECIDED, UNREADABLE } from "../../intake/unreadable.ts";

/** Facts about a silence. */
export interface Silence {
  /** The daemon's page before the visitors came, and afterwards. */
  readonly before: ProbesPage;
  readonly after: ProbesPage;
  /** Whether the daemon heard doctor's own report; undefined if doctor could not send one. */
  readonly isOwnHeard: boolean | undefined;
  /** The program of the silent proxy, such as `nginx`; undefined if doctor does not know it. */
  readonly proxy: string | undefined;
  /** Whether all answers may be the proxy's own, such as redirects. */
  readonly areOwnAnswers: boolean;
}

/** The likely cause and the remedy, as sentences without the last point. */
export function remedyFor(silence: Silence): string {
  const { after, isOwnHeard, proxy, areOwnAnswers } = silence;
  return [
    ...(areOwnAnswers
      ? [
          "give doctor the -url of a page of the application, because the proxy reports none of its own answers",
        ]
      : []),
    ...doorRemedies(after),
    ...countedRemedies(silence),
    ...(isOwnHeard === false
      ? [
          `the daemon does not hear doctor's own report to ${after.address} either: look for a firewall on this machine, and at the daemon's log`,
        ]
      : []),
    lineOf(proxy, after.address ?? "the daemon's -outcomes"),
  ].join(". ");
}

/** The lines by which the shipped files of each proxy report. */
const LINES: Readonly<Record<string, (address: string) => string>> = {
  nginx: (address) =>
    "look for the line that reports: log_by_lua_block { maxwells_daemon.report() } with Lua, access_log " +
    `syslog:server=${address} with auth_request. If a server or location of nginx has a log_by_lua_block or an ` +
    "access_log of its own, repeat the line there. Then reload nginx",
  haproxy: (address) =>
    `look for the lines log ${address} and log-format-sd in HAProxy's frontend, and for another line of the ` +
    "same kind behind them. Then reload HAProxy",
  envoy: (address) =>
    `look for the access log and the cluster maxwells-daemon-outcomes. The cluster's address is ${address}`,
  caddy: (address) =>
    `look for log maxwells_outcomes with output net udp/${address}, and for the header maxwellsdaemon-outcome of the site. ` +
    "Then reload Caddy",
  apache: (address) =>
    `look for the GlobalLog with logger, whose -n and -P are ${address}, and whether /usr/bin/logger is there. Then reload Apache`,
  traefik: (address) =>
    `look for accessLog.otlp with the endpoint http://${address}/v1/logs, and for experimental.otlpLogs. Then restart Traefik`,
};

/** The proxies whose lines doctor knows. */
export const REPORTING_PROXIES: readonly string[] = Object.keys(LINES);

function lineOf(proxy: string | undefined, address: string): string {
  const line = proxy === undefined ? undefined : LINES[proxy];
  if (line !== undefined) return line(address);
  return (
    `make the proxy report to ${address}: its page has the lines, under "Reporting outcomes". An application ` +
    "with the middleware reports by itself, unless it has report: false"
  );
}

function doorRemedies({ address, doors }: ProbesPage): string[] {
  if (address === null) {
    return [
      "the daemon runs with -outcomes none, so it hears only nginx with Lua and applications: start it without that flag",
    ];
  }
  const shut = Object.keys(doors).filter((door) => doors[door] === false);
  return shut.length === 0
    ? []
    : [
        `another program has ${address}, so the daemon hears nothing there (${shut.join(", ")}): end that program, or choose another -outcomes`,
      ];
}

/** Reports that came meanwhile, and do not count. They may be of other visitors. */
function countedRemedies({ before, after }: Silence): string[] {
  const undecided = undecidedOf(after) - undecidedOf(before);
  const dropped = [...new Set(after.dropped.map(({ reason }) => reason))]
    .map((reason) => ({ reason, count: droppedOf(after, reason) - droppedOf(before, reason) }))
    .filter(({ count }) => count > 0);
  return [
    ...(undecided > 0
      ? [
          `${undecided} reports without an assignment came meanwhile: compare the line of the report with the shipped one`,
        ]
      : []),
    ...dropped.map(
      ({ reason, count }) => `the daemon dropped ${count} reports meanwhile: ${whyDropped(reason)}`,
    ),
  ];
}

function whyDropped(reason: string): string {
  const [, kind] = /^unreadable-(.+)$/.exec(reason) ?? [];
  if (kind !== undefined) {
    const remedies: Readonly<Record<string, string>> = UNREADABLE;
    return `they cannot be read (${kind}): ${remedies[kind] ?? "its log has an example"}`;
  }
  switch (reason) {
    case "foreign":
      return "they came from an address that may not report. Name its network with -outcomes-from";
    case "unknown-application":
      return "they name an application that the daemon does not serve";
    default:
      return `more came than it can read (${reason}). Let the proxies report a share of the good outcomes`;
  }
}

function undecidedOf({ heard }: ProbesPage): number {
  return heard.reduce((sum, { class: kind, count }) => sum + (kind === UNDECIDED ? count : 0), 0);
}

function droppedOf({ dropped }: ProbesPage, wanted: string): number {
  return dropped.reduce((sum, { reason, count }) => sum + (reason === wanted ? count : 0), 0);
}
