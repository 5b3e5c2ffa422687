/**
 * Rollouts in a table of PostgreSQL, which operators change with `set` or by hand:
 *
 *     UPDATE maxwells_daemon SET rollout = 0.05 WHERE application = 'website' AND version = 'canary';
 *
 * Triggers of the table count each change, notify the daemons, and keep a history (`postgres/schema.ts`). A
 * snapshot is one query. One connection reads and writes. If there is a watch, a second one listens. During a
 * release a third one has its evidence (`postgres/evidence.ts`).
 */

import { type PostgresAddress, parsePostgresAddress } from "./postgres/address.ts";
import { engineOf, type PostgresOptions } from "./postgres/client.ts";
import { PostgresEvidence } from "./postgres/evidence.ts";
import { writeFault } from "./postgres/faults.ts";
import type { Driver } from "./postgres/guard.ts";
import { Listener } from "./postgres/listener.ts";
import { manyOfPostgres } from "./postgres/many.ts";
import * as statements from "./postgres/records.ts";
import { makeTable } from "./postgres/schema.ts";
import { Session } from "./sql/session.ts";
import { SqlStore, STATEMENT_TIMEOUT_MS } from "./sql/sql-store.ts";
import type { Store, StoreContext, StoreKind } from "./store.ts";

export const postgres: StoreKind = {
  name: "postgres",
  usage: "postgres://HOST/DATABASE",
  summary: "a table of PostgreSQL, noticed when it changes",
  keepsHistory: true,

  check(location) {
    const address = parsePostgresAddress(location);
    return typeof address === "string" ? address : undefined;
  },

  async open(context: StoreContext): Promise<Store> {
    const address = parsePostgresAddress(context.location);
    if (typeof address === "string") throw new TypeError(address);
    const { default: driver } = await import("pg");
    return storeAt(driver, address, context);
  },
};

function storeAt(driver: Driver, address: PostgresAddress, context: StoreContext): Store {
  const warn = context.warn.bind(context);
  let isWarned = false;
  const options: PostgresOptions = {
    driver,
    address,
    environment: context.environment,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    onNoStatementTimeout() {
      if (isWarned) return;
      isWarned = true;
      const remedy = `ALTER ROLE … SET statement_timeout = '${STATEMENT_TIMEOUT_MS}ms'`;
      warn(
        `${address.shown}: the pooler does not pass statement_timeout on; set it in the server: ${remedy}`,
      );
    },
  };
  return new SqlStore({
    address: address.shown,
    session: new Session(engineOf(options)),
    ...{ statements, makeTable, writeFault },
    many: manyOfPostgres(),
    changes: new Listener(options, warn),
    evidence: new PostgresEvidence(options),
    isName: isText,
    nameRefusal: "PostgreSQL cannot store such a name; remove NUL and incomplete characters",
  });
}

/** Whether PostgreSQL can store the text unchanged. */
function isText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}
