/**
 * An HTTP proxy between a store and its engine that records what is asked, and can fail in the ways networks
 * do.
 */

import { onQuietPort } from "./port.ts";

export type ProxyMode =
  /** Answers come from the engine. */
  | "pass"
  /** Requests are taken and never answered. */
  | "hang"
  /** The answer begins and never ends. */
  | "stall"
  /** The answer is a 200 without JSON. */
  | "text"
  /** The answer is a 200 with JSON of another service. */
  | "other-json"
  /** An error page that is not the engine's. */
  | "page"
  /** The engine is overloaded. */
  | "throttle";

export interface RecordedRequest {
  readonly headers: Headers;
  readonly body: string;
}

export interface StoreProxy {
  readonly endpoint: string;
  readonly requests: RecordedRequest[];
  mode: ProxyMode;
  /** The time of all answers: milliseconds since 1970. The engine's own if it is undefined. */
  nowMs: (() => number) | undefined;
  /** The capacity units that DynamoDB counted for each action. It is asked for them if this is defined. */
  units: Map<string, number> | undefined;
  /** Connections are refused until `listen`, at the same address. */
  refuse(): Promise<void>;
  listen(): void;
  /** Resolves, with `requests` empty, when nothing has come for a while. */
  isQuiet(): Promise<void>;
  stop(): Promise<void>;
}

/** After this long without a request, all requests of an earlier client have arrived. */
const QUIET_MS = 50;

/**
 * @param upstream the engine's endpoint
 * @param onRequest called when a request is recorded
 */
export function startStoreProxy(upstream: string, onRequest: () => void = () => {}): StoreProxy {
  const requests: RecordedRequest[] = [];
  const serve = (port: number) => Bun.serve({ hostname: "127.0.0.1", port, idleTimeout: 0, fetch: answer });
  let server: ReturnType<typeof serve> | undefined = onQuietPort(serve);
  const port = Number(server.port);
  const proxy: StoreProxy = {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    mode: "pass",
    nowMs: undefined,
    units: undefined,
    async refuse() {
      await server?.stop(true);
      server = undefined;
    },
    listen() {
      server ??= serve(port);
    },
    async isQuiet() {
      do {
        requests.length = 0;
        await Bun.sleep(QUIET_MS);
      } while (requests.length > 0);
    },
    async stop() {
      await server?.stop(true);
    },
  };

  async function answer(request: Request): Promise<Response> {
    const body = await request.text();
    requests.push({ headers: request.headers, body });
    onRequest();
    switch (proxy.mode) {
      case "pass":
        return passOn(request.headers, body);
      case "hang":
        return new Promise(() => {});
      case "stall":
        return new Response(new ReadableStream({ start: (stream) => stream.enqueue('{"Items":[') }));
      case "text":
        return new Response('{"Items": [{"application"', { headers: AMZ_JSON });
      case "other-json":
        return new Response('{"status":"ok","Items":{"0":7}}', { headers: AMZ_JSON });
      case "page":
        return new Response("<h1>Not here</h1>", { status: 404, headers: { "content-type": "text/html" } });
      case "throttle": {
        const type = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
        return new Response(JSON.stringify({ __type: type, message: "slow down" }), {
          status: 400,
          headers: AMZ_JSON,
        });
      }
    }
  }

  async function passOn(asked: Headers, body: string): Promise<Response> {
    const { units, nowMs } = proxy;
    const send = (sent: string) =>
      fetch(upstream, { method: "POST", headers: withoutHop(asked), body: sent });
    if (units === undefined && nowMs === undefined) return send(body);
    const answer = await send(units === undefined ? body : withUnits(body));
    const text = await answer.text();
    const headers = withoutHop(answer.headers);
    if (nowMs !== undefined) headers.set("date", new Date(nowMs()).toUTCString());
    const action = asked.get("x-amz-target")?.split(".")[1] ?? "";
    units?.set(action, (units.get(action) ?? 0) + unitsIn(text));
    return new Response(text, { status: answer.status, headers });
  }
  return proxy;
}

function withUnits(body: string): string {
  return JSON.stringify({ ...JSON.parse(body), ReturnConsumedCapacity: "TOTAL" });
}

function unitsIn(text: string): number {
  const { ConsumedCapacity: consumed } = JSON.parse(text) as {
    readonly ConsumedCapacity?: { readonly CapacityUnits: number };
  };
  return consumed?.CapacityUnits ?? 0;
}

const AMZ_JSON = { "content-type": "application/x-amz-json-1.0" };

function withoutHop(headers: Headers): Headers {
  const kept = new Headers(headers);
  for (const name of ["host", "connection", "content-length", "accept-encoding"]) kept.delete(name);
  return kept;
}
