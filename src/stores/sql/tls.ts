/** TLS to a database, by the modes that libpq named. */

import { readFile } from "node:fs/promises";
import { StoreError } from "../store.ts";

/** `require` checks the certificate only if an authority is named, as in libpq. */
export type SslMode = "disable" | "require" | "verify-ca" | "verify-full";

/** Paths of PEM files. */
export interface TlsFiles {
  readonly sslMode: SslMode;
  readonly caPath: string | undefined;
  readonly certificatePath: string | undefined;
  readonly keyPath: string | undefined;
}

export interface TlsOptions {
  readonly rejectUnauthorized: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly checkServerIdentity?: () => undefined;
}

/**
 * The TLS options for a mode; false if there is no TLS. Files are read for each connection, because operators
 * renew them in place.
 *
 * @param parameters the parts of an address that name the files, for the message
 */
export async function tlsOf(
  { sslMode, caPath, certificatePath, keyPath }: TlsFiles,
  parameters: string,
): Promise<TlsOptions | false> {
  if (sslMode === "disable") return false;
  const read = (path: string | undefined) => readPem(path, parameters);
  const [ca, cert, key] = await Promise.all([caPath, certificatePath, keyPath].map(read));
  return {
    rejectUnauthorized: sslMode !== "require" || ca !== undefined,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(sslMode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
  };
}

async function readPem(path: string | undefined, parameters: string): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, "utf8");
  } catch {
    throw new StoreError("missing", `the file ${path} cannot be read; check ${parameters}`);
  }
}

/** Whether a host is on this machine: loopback, or the path of a unix socket. */
export function isLocal(host: string): boolean {
  return host.startsWith("/") || host === "localhost" || host === "::1" || /^127\.[\d.]+$/.test(host);
}
