/**
 * Errors of PostgreSQL, its driver and the network become a `StoreError` with its remedy. The server's
 * SQLSTATE (PostgreSQL manual, appendix A) tells them apart.
 */

import { BATCH_BYTES_MAX } from "../evidence.ts";
import { networkFault, type Told, told } from "../sql/faults.ts";
import { StoreError } from "../store.ts";

/** A class of SQLSTATEs, or a single one. The first entry that matches counts. */
interface Row extends Told {
  readonly state: RegExp;
}

const SERVER_FAULTS: readonly Row[] = [
  {
    state: /^28/,
    code: "denied",
    what: "does not let this user in",
    remedy: "check user and password, and the server's pg_hba.conf",
  },
  {
    state: /^42501$/,
    code: "denied",
    what: "does not let this user do that",
    remedy:
      "grant SELECT on maxwells_daemon to the daemon, INSERT and UPDATE to operators, and CREATE on the schema for init-store",
  },
  {
    state: /^3D000$/,
    code: "missing",
    what: "has no such database",
    remedy: "check the address, or create the database",
  },
  {
    state: /^(42P01|3F000)$/,
    code: "missing",
    what: "has no table maxwells_daemon that this user finds",
    remedy:
      "make it: maxwells-daemon init-store -store ADDRESS; if it is there, check the user's search_path",
  },
  {
    state: /^25006$/,
    code: "unavailable",
    what: "is a standby and takes no writes",
    remedy: "write to the primary",
  },
  {
    state: /^57014$/,
    code: "unavailable",
    what: "did not get done in time",
    remedy: "find the lock on the table in pg_locks, or the cause of the slow server",
  },
  {
    state: /^(53|57|58|08|40|55|XX)/,
    code: "unavailable",
    what: "cannot serve now",
    remedy: "look at the server's log, and at max_connections",
  },
  {
    state: /^(23[0-9A-Z]{3}|22003|54000)$/,
    code: "malformed",
    what: "does not take such a record",
    remedy: "a rollout is from 0 to 1, and a record has at most 64 KiB",
  },
  {
    state: /^(22021|22P05|22P02)$/,
    code: "malformed",
    what: "cannot store or send such a text",
    remedy: "use a database with the encoding UTF8",
  },
  {
    // Wrong columns, values, keys and names, a view that does not let a record through, a trigger that refuses.
    state: /^(21|22|23|42|44|P0)/,
    code: "malformed",
    what: "has another maxwells_daemon than this program makes",
    remedy: "rename it and make a new one: maxwells-daemon init-store -store ADDRESS",
  },
  {
    state: /^[0-9A-Z]{5}$/,
    code: "unavailable",
    what: "has an error that this program does not know",
    remedy: "look its code up in PostgreSQL's list of error codes, and look at the server's log",
  },
];

/** The faults of the table of evidence that have a remedy of their own. */
const EVIDENCE_FAULTS: readonly Row[] = [
  {
    state: /^42501$/,
    code: "denied",
    what: "does not let this user do that",
    remedy:
      "grant INSERT (application, key, batch) on maxwells_daemon_evidence to daemons, and SELECT to controllers",
  },
  {
    state: /^(42P01|3F000)$/,
    code: "missing",
    what: "has no table maxwells_daemon_evidence that this user finds",
    remedy: "make it, as the owner of maxwells_daemon: maxwells-daemon init-store -store ADDRESS",
  },
  {
    state: /^(23[0-9A-Z]{3}|54000)$/,
    code: "refused",
    what: "does not take such evidence",
    remedy: `a batch has at most ${BATCH_BYTES_MAX} bytes`,
  },
];

/** The driver's own texts, which have no code. */
const DRIVER_FAULTS: readonly (Told & { readonly text: RegExp })[] = [
  {
    text: /^SASL|password/i,
    code: "denied",
    what: "asks for a password that is not there, or does not know it itself",
    remedy: "put it into the address or PGPASSWORD",
  },
  {
    text: /does not support SSL/,
    code: "unavailable",
    what: "has no TLS",
    remedy: "turn ssl on in the server, or add ?sslmode=disable if the network can be trusted",
  },
  {
    text: /^(received invalid|Received unexpected|Unknown auth)/i,
    code: "malformed",
    what: "does not speak PostgreSQL's protocol",
    remedy: "check host and port, and every proxy on the way",
  },
];

/** The server's errors for a record that it cannot store. Then the statement has written nothing. */
const REFUSED = /^(23[0-9A-Z]{3}|22003|22021|22P02|22P05|54000)$/;

/** @param shown the address without secrets */
export function postgresFault(shown: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const state = stateOf(error);
  const { message } = (error ?? {}) as { readonly message?: unknown };
  const server = SERVER_FAULTS.find((row) => state !== undefined && row.state.test(state));
  if (server !== undefined) return told(shown, server, state);
  const driver = DRIVER_FAULTS.find(({ text }) => text.test(String(message)));
  if (driver !== undefined) return told(shown, driver, undefined);
  return networkFault(shown, error, "sslrootcert");
}

/** The error of a statement that writes. If the record is at fault, it is `refused`. */
export function writeFault(shown: string, error: unknown): StoreError {
  const fault = postgresFault(shown, error);
  return REFUSED.test(stateOf(error) ?? "") ? new StoreError("refused", fault.message) : fault;
}

/** The error of a statement on the table of evidence. */
export function evidenceFault(shown: string, error: unknown): StoreError {
  const state = stateOf(error);
  const own = EVIDENCE_FAULTS.find((row) => state !== undefined && row.state.test(state));
  return own === undefined ? postgresFault(shown, error) : told(shown, own, state);
}

/** The SQLSTATE of the server's error; undefined if the error is not the server's. */
export function stateOf(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as { readonly code?: unknown; readonly severity?: unknown };
  return severity !== undefined && typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
