/**
 * DynamoDB that refuses what a policy does not allow, as IAM does. The access key of a request names the role
 * of the program that asks. So a test can give a program exactly the rights that a page prints.
 */

/** A statement of a policy, with one table as its resource. */
export interface Statement {
  readonly Action: readonly string[];
  readonly Resource: string;
}

export interface GuardedDynamodb {
  readonly endpoint: string;
  /** The rights of each role. A role that is not here has none. */
  readonly roles: Map<string, readonly Statement[]>;
  /** Each action that a role asked for and may do: `ROLE ACTION`. */
  readonly used: Set<string>;
  /** Each action that a role asked for and may not do. */
  readonly refused: Set<string>;
  stop(): Promise<void>;
}

export function guardDynamodb(upstream: string): GuardedDynamodb {
  const roles = new Map<string, readonly Statement[]>();
  const [used, refused] = [new Set<string>(), new Set<string>()];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const body = await request.text();
      const [, role = ""] = /Credential=([^/]+)\//.exec(request.headers.get("authorization") ?? "") ?? [];
      const action = request.headers.get("x-amz-target")?.split(".")[1] ?? "";
      const tables = tablesOf(JSON.parse(body));
      const statements = roles.get(role) ?? [];
      const isAllowed = tables.every((table) =>
        statements.some(
          ({ Action, Resource }) =>
            Action.includes(`dynamodb:${action}`) && Resource.endsWith(`:table/${table}`),
        ),
      );
      (isAllowed ? used : refused).add(`${role} ${action}`);
      if (!isAllowed) return denial();
      const headers = new Headers(request.headers);
      for (const name of ["host", "connection", "content-length", "accept-encoding"]) headers.delete(name);
      return fetch(upstream, { method: "POST", headers, body });
    },
  });
  const stop = () => server.stop(true);
  return { endpoint: `http://127.0.0.1:${server.port}`, roles, used, refused, stop };
}

function tablesOf(body: {
  readonly TableName?: string;
  readonly RequestItems?: Readonly<Record<string, unknown>>;
}): readonly string[] {
  if (body.TableName !== undefined) return [body.TableName];
  // A request that names no table is refused.
  return Object.keys(body.RequestItems ?? { "": undefined });
}

function denial(): Response {
  return Response.json(
    { __type: "com.amazon.coral.service#AccessDeniedException", message: "no" },
    {
      status: 400,
      headers: { "content-type": "application/x-amz-json-1.0", date: new Date().toUTCString() },
    },
  );
}
