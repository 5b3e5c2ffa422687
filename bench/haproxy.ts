/**
 * HAProxy in its ways: bare, with the daemon's map, and with SPOE. Bare has only the parts that both others
 * share.
 */

import { readFileSync, writeFileSync } from "node:fs";
import {
  fillHaproxy,
  type HaproxyWay,
  haproxyFlags,
  haproxyMissing,
  startHaproxy,
  upstreamPath,
} from "../test/support/haproxy.ts";
import { freePort } from "../test/support/port.ts";
import { type Contender, daemonOf, directoryOf, type Stops, startUpstreams } from "./ways.ts";

export const haproxy: Contender = {
  name: "HAProxy",
  missing: haproxyMissing,
  ways: [
    { name: "bare", start: (stops) => start("map", false, stops) },
    { name: "map", atLeast: 0.95, start: (stops) => start("map", true, stops) },
    { name: "SPOE", start: (stops) => start("spoe", true, stops) },
  ],
};

async function start(way: HaproxyWay, isAsked: boolean, stops: Stops): Promise<string> {
  const directory = directoryOf(stops);
  await daemonOf(stops, haproxyFlags(directory), isAsked);
  await startUpstreams(stops, [
    `unix:${upstreamPath(directory, "master")}`,
    `unix:${upstreamPath(directory, "canary")}`,
  ]);
  const port = await freePort();
  const configuration = fillHaproxy(way, { directory, port, allowForce: false });
  const text = withoutLog(readFileSync(configuration, "utf8"));
  writeFileSync(configuration, isAsked ? text : withoutDaemon(text));
  const running = await startHaproxy(configuration, port);
  stops.push(() => running.stop());
  return running.url;
}

/** No way logs requests, so the ways differ only in the measured part. */
function withoutLog(configuration: string): string {
  return configuration.replace(/^ *(log ring@|log-format-sd|option httplog).*$/gm, "");
}

/** The configuration without the daemon's parts: master serves all visitors. */
function withoutDaemon(configuration: string): string {
  const bare = configuration.replace(
    /^\s*#?(acl|http-request|http-response|use_backend|option http-restrict-req-hdr-names) .*$/gm,
    "",
  );
  if (/txn\.maxwells/.test(bare)) throw new Error(`not bare:\n${bare}`);
  return bare;
}
