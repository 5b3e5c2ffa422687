/**
 * A proxy of a few lines, for a machine without nginx. The work is that of the middleware for applications:
 * it asks the daemon, keeps the cookie, and reports outcomes.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Client } from "../client/client.ts";
import { tellRequest } from "../middleware/incoming.ts";
import { reportResponse } from "../middleware/report.ts";
import { addCookie } from "../middleware/set-cookie.ts";
import { decideVisit, onlyHeader } from "../middleware/visit.ts";
import { DECISION_MS_MAX, type Front, type FrontParts } from "./front.ts";

/** A version that does not answer in this time counts as gone. */
const ANSWER_MS_MAX = 10_000;

const BAD_GATEWAY = 502;
const NOT_ALLOWED = 405;

export async function openOwnProxy(parts: FrontParts): Promise<Front> {
  const client = new Client({ address: `unix:${parts.socket}`, timeoutMs: DECISION_MS_MAX });
  const toldOf = new WeakSet<object>();
  const server = createServer((request, response) => {
    serve(request, response, parts, client, toldOf).catch(() => response.destroy());
  });
  const port = await listening(server);
  const kill = () => {
    client.close();
    server.closeAllConnections();
    server.close();
  };
  return { name: "the built-in proxy", port, close: async () => kill(), kill };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  parts: FrontParts,
  client: Client,
  toldOf: WeakSet<object>,
): Promise<void> {
  const { application, masterPort, canaryPort } = parts;
  if (request.method !== "GET") {
    response.writeHead(NOT_ALLOWED).end();
    return;
  }
  const beganAtMs = performance.now();
  const { cookie: cookies } = request.headers;
  const visit = await decideVisit(
    { client, application },
    { request, cookies, force: undefined, isTls: false },
    toldOf,
  );
  // All visitors come from this machine. The simulated ones bring the addresses that they would have.
  const source = onlyHeader(request.headers["x-forwarded-for"]) ?? "127.0.0.1";
  reportResponse(response, { client, application, visit, source, beganAtMs });
  if (visit.cookie !== undefined) addCookie(response, visit.cookie);
  tellRequest(request, visit.decision);
  const port = visit.decision.location === "master" ? masterPort : canaryPort;
  const reply = await replyOf(port, request);
  if (reply === undefined) {
    response.writeHead(BAD_GATEWAY).end();
    return;
  }
  const headers = Object.fromEntries(
    [...reply.headers].filter(([name]) => !/^(connection|content-length|date|keep-alive)$/.test(name)),
  );
  response.writeHead(reply.status, headers).end(reply.body);
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** The reply of a version; undefined if it does not answer. */
async function replyOf(port: number, { headers }: IncomingMessage): Promise<Reply | undefined> {
  const told = { maxwellsdaemon: onlyHeader(headers["maxwellsdaemon"]) ?? "" };
  try {
    // The shop has one page. A path of a visitor never becomes a part of an address.
    const reply = await fetch(`http://127.0.0.1:${port}/`, {
      headers: told,
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    return { status: reply.status, headers: reply.headers, body: await reply.text() };
  } catch {
    return undefined;
  }
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
