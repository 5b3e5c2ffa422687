/**
 * The load tester of Flagger, as far as its webhooks go: the same paths, statuses and bodies, and it refuses
 * a payload that the original cannot decode, such as metadata with a number.
 * https://github.com/fluxcd/flagger/blob/main/pkg/loadtester/server.go
 */

export interface FlaggerPayload {
  readonly name: string;
  readonly namespace: string;
  readonly phase: string;
  readonly checksum: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface FlaggerTester {
  readonly url: string;
  /** The payloads that it has received at `/`, the path that begins a load test. */
  readonly tasks: FlaggerPayload[];
  stop(): Promise<void>;
}

export function startFlaggerTester(): FlaggerTester {
  const open = new Set<string>();
  const tasks: FlaggerPayload[] = [];

  async function answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/gate/approve") return new Response("OK");
    if (pathname === "/gate/halt") return new Response("Forbidden", { status: 403 });
    const payload = decoded(await request.text());
    if (payload === undefined) return new Response(null, { status: 400 });
    const gate = `${payload.name}.${payload.namespace}`;
    const [, kind, verb] = /^\/(gate|rollback)\/(check|open|close)$/.exec(pathname) ?? [];
    if (kind === undefined) return runTask(payload);
    const key = kind === "rollback" ? `rollback.${gate}` : gate;
    if (verb === "open") open.add(key);
    if (verb === "close") open.delete(key);
    if (verb !== "check") return new Response(null, { status: 202 });
    return open.has(key) ? new Response("Approved") : new Response("Forbidden", { status: 403 });
  }

  function runTask(payload: FlaggerPayload): Response {
    const { metadata = {} } = payload;
    if (Object.keys(metadata).length === 0) {
      return new Response("metadata not found in payload", { status: 400 });
    }
    if (metadata["cmd"] === undefined) return new Response("cmd not found in metadata", { status: 400 });
    tasks.push(payload);
    return new Response(null, { status: 202 });
  }

  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  return { url: `http://127.0.0.1:${server.port}`, tasks, stop: () => server.stop(true) };
}

/** Go decodes into strings only; anything else is an error. */
function decoded(text: string): FlaggerPayload | undefined {
  try {
    const payload = JSON.parse(text) as FlaggerPayload;
    const { name = "", namespace = "", phase = "", checksum = "", metadata = {} } = payload;
    const values: unknown[] = [name, namespace, phase, checksum, ...Object.values(metadata)];
    return values.every((value) => typeof value === "string") ? payload : undefined;
  } catch {
    return undefined;
  }
}
