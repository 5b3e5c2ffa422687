/**
 * Errors of MariaDB, its driver and the network become a `StoreError` with its remedy. The server's numbers
 * (MariaDB's documentation, "MariaDB Error Codes") tell them apart.
 */

import { BATCH_BYTES_MAX } from "../evidence.ts";
import { networkFault, type Told, told } from "../sql/faults.ts";
import { StoreError } from "../store.ts";

interface Row extends Told {
  readonly errors: readonly number[];
}

/** Smaller numbers are not those of statements: the server could not use a file of its own. */
const STATEMENT_ERROR_MIN = 1_000;

const INIT = "make it: maxwells-daemon init-store -store ADDRESS";

const SERVER_FAULTS: readonly Row[] = [
  {
    // Wrong password, wrong host, another way of logging in, an account that is locked or has expired.
    errors: [1045, 1130, 1251, 1524, 1698, 1820, 1862, 4151],
    code: "denied",
    what: "does not let this user in",
    remedy:
      "check user and password, and the host that the account is for; without a password in the address, MYSQL_PWD counts",
  },
  {
    // MariaDB names no database to a user without a right on it.
    errors: [1044],
    code: "denied",
    what: "does not let this user into the database, or has none of this name",
    remedy: "correct the name in the address, or grant this user the rights in docs/stores/mariadb.md",
  },
  {
    errors: [1142, 1143, 1227, 1370],
    code: "denied",
    what: "does not let this user do that",
    remedy:
      "grant SELECT on maxwells_daemon and maxwells_daemon_changes to the daemon, INSERT and UPDATE on maxwells_daemon to operators, and all rights on the database for init-store",
  },
  {
    errors: [1419],
    code: "denied",
    what: "writes a binary log, and lets only SUPER make triggers",
    remedy: "run init-store with a user that has SUPER, or SET GLOBAL log_bin_trust_function_creators = 1",
  },
  {
    errors: [1049],
    code: "missing",
    what: "has no such database",
    remedy: "check the address, or create the database",
  },
  { errors: [1146], code: "missing", what: "has no table maxwells_daemon", remedy: INIT },
  {
    errors: [1290, 1792, 1836],
    code: "unavailable",
    what: "is a replica, or read-only for another reason, and takes no writes",
    remedy: "write to the primary",
  },
  {
    errors: [1317, 1969, 3024],
    code: "unavailable",
    what: "did not get done in time",
    remedy: "find the cause in SHOW PROCESSLIST: a lock on the table, or a slow server",
  },
  {
    // Time-out for a lock, deadlock, and a row that changed after the transaction began.
    errors: [1205, 1213, 1020],
    code: "unavailable",
    what: "has another transaction that changes the same rows",
    remedy: "repeat the command; if it lasts, find that transaction in SHOW PROCESSLIST",
  },
  {
    // A cluster of Galera without a quorum, a full disk, too many connections or statements, a server that
    // ends, a table whose file is gone.
    errors: [
      1021, 1037, 1038, 1040, 1041, 1047, 1053, 1114, 1129, 1135, 1180, 1203, 1226, 1461, 1927, 1932, 4031,
    ],
    code: "unavailable",
    what: "cannot serve now",
    remedy: "look at the server's log, and at max_connections",
  },
  {
    // CHECK, NOT NULL, ranges, lengths, characters.
    errors: [1048, 1264, 1265, 1366, 1406, 3140, 4025, 4038],
    code: "malformed",
    what: "does not take such a record",
    remedy: "a rollout is from 0 to 1, and a record has at most 64 KiB, and 32 levels",
  },
  {
    errors: [1153],
    code: "malformed",
    what: "does not take so long a statement",
    remedy: "raise max_allowed_packet to 1M or more",
  },
  {
    errors: [1193],
    code: "malformed",
    what: "is not MariaDB 10.6 or later",
    remedy: "MySQL and earlier versions do not work; use MariaDB",
  },
  {
    errors: [1449],
    code: "malformed",
    what: "no longer has the user that ran init-store, whose rights the triggers need",
    remedy: "make that user again, with all rights on the database",
  },
];

/** The server's own files: a temporary table, a full disk, a directory that is gone. */
const OWN_FILES: Told = {
  code: "unavailable",
  what: "cannot use a file of its own",
  remedy: "look at the server's log, and at the disk and the rights of its datadir and its tmpdir",
};

/**
 * The table is not what a statement expects. These classes of SQLSTATE are for wrong columns, values, keys
 * and names. They are also for a view that lets no record through, and a trigger that refuses.
 */
const OTHER_STATE = /^(21|22|23|42|44|45)/;

/** Errors without such a class: views, collations, columns without a default, generated columns, triggers. */
const OTHER_ERRORS: readonly number[] = [
  1267, 1270, 1271, 1288, 1347, 1348, 1356, 1364, 1422, 1442, 1471, 1906,
];

const OTHER_TABLE: Told = {
  code: "malformed",
  what: "has another maxwells_daemon than this program makes",
  remedy: "rename it and make a new one: maxwells-daemon init-store -store ADDRESS",
};

const UNKNOWN: Told = {
  code: "unavailable",
  what: "has an error that this program does not know",
  remedy: "look its number up in MariaDB's list of error codes, and look at the server's log",
};

/** The faults of evidence that have a remedy of their own. */
const EVIDENCE_FAULTS: readonly Row[] = [
  {
    errors: [1044, 1142, 1143, 1370],
    code: "denied",
    what: "does not let this user do that",
    remedy:
      "grant EXECUTE on the procedure maxwells_daemon_append to daemons, and SELECT on maxwells_daemon_evidence to controllers",
  },
  {
    errors: [1146, 1305],
    code: "missing",
    what: "has no table maxwells_daemon_evidence, or no procedure maxwells_daemon_append",
    remedy: "make them, as the user that made maxwells_daemon: maxwells-daemon init-store -store ADDRESS",
  },
  {
    errors: [1048, 1264, 1265, 1366, 1406, 4025, 4038],
    code: "refused",
    what: "does not take such evidence",
    remedy: `a batch has at most ${BATCH_BYTES_MAX} bytes`,
  },
];

/** The driver's own faults. */
const DRIVER_FAULTS: readonly (Told & { readonly codes: readonly string[] })[] = [
  {
    codes: ["HANDSHAKE_NO_SSL_SUPPORT"],
    code: "unavailable",
    what: "has no TLS",
    remedy: "give the server a certificate, or add ?ssl-mode=disabled if the network can be trusted",
  },
  {
    codes: ["AUTH_SWITCH_PLUGIN_ERROR"],
    code: "denied",
    what: "wants this user to log in in a way that this program does not know",
    remedy: "use mysql_native_password or caching_sha2_password for this user",
  },
  {
    codes: ["PROTOCOL_UNEXPECTED_PACKET", "PROTOCOL_ERROR"],
    code: "malformed",
    what: "does not speak MariaDB's protocol",
    remedy: "check host and port, and every proxy on the way",
  },
];

/** The server's errors for a record that it cannot store. Then the statement has written nothing. */
const REFUSED: readonly number[] = [1048, 1153, 1264, 1265, 1366, 1406, 3140, 4025, 4038];

/** The server has taken the whole transaction back, because of another one. It may be tried again. */
const TAKEN_BACK: readonly number[] = [1213, 1020];

/** After these errors the server closes the connection. */
const LAST_WORDS: readonly number[] = [1040, 1047, 1053, 1153, 1927, 4031];

/** @param shown the address without secrets */
export function mariadbFault(shown: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const number = numberOf(error);
  if (number !== undefined) {
    const row = SERVER_FAULTS.find(({ errors }) => errors.includes(number));
    return told(shown, row ?? otherFault(number, stateOf(error)), String(number));
  }
  const { code } = (error ?? {}) as { readonly code?: unknown };
  const driver = DRIVER_FAULTS.find(({ codes }) => codes.includes(String(code)));
  return driver === undefined ? networkFault(shown, error, "ssl-ca") : told(shown, driver, undefined);
}

/** A fault without a row of its own. */
function otherFault(number: number, state: string): Told {
  if (number < STATEMENT_ERROR_MIN) return OWN_FILES;
  return OTHER_STATE.test(state) || OTHER_ERRORS.includes(number) ? OTHER_TABLE : UNKNOWN;
}

/** The error of a statement that writes. If the record is at fault, it is `refused`. */
export function writeFault(shown: string, error: unknown): StoreError {
  const fault = mariadbFault(shown, error);
  return REFUSED.includes(numberOf(error) ?? 0) ? new StoreError("refused", fault.message) : fault;
}

/** The error of a statement on the evidence. */
export function evidenceFault(shown: string, error: unknown): StoreError {
  const number = numberOf(error);
  const own = EVIDENCE_FAULTS.find(({ errors }) => number !== undefined && errors.includes(number));
  return own === undefined ? mariadbFault(shown, error) : told(shown, own, String(number));
}

/** Whether a transaction was taken back because of another one, and nothing of it was written. */
export function isTakenBack(error: unknown): boolean {
  return TAKEN_BACK.includes(numberOf(error) ?? 0);
}

/** Whether there already is a row with this key. */
export function isThere(error: unknown): boolean {
  return numberOf(error) === 1062;
}

/** Whether the connection cannot be used after this error. */
export function endsConnection(error: unknown): boolean {
  const number = numberOf(error);
  return number === undefined || LAST_WORDS.includes(number);
}

/** Whether this user may not read a table, or there is none. */
export function isWithoutTable(error: unknown): boolean {
  return isMissingTable(error) || [1044, 1142, 1143].includes(numberOf(error) ?? 0);
}

export function isMissingTable(error: unknown): boolean {
  return numberOf(error) === 1146;
}

/** The SQLSTATE of the server's error; empty if it has none. */
function stateOf(error: unknown): string {
  const { sqlState } = (error ?? {}) as { readonly sqlState?: unknown };
  return typeof sqlState === "string" ? sqlState : "";
}

/** The number of the server's error; undefined if the error is not the server's. */
function numberOf(error: unknown): number | undefined {
  const { errno, sqlState } = (error ?? {}) as { readonly errno?: unknown; readonly sqlState?: unknown };
  return typeof errno === "number" && typeof sqlState === "string" ? errno : undefined;
}
