/**
 * Rollouts in a table of MariaDB, which operators change with `set` or by hand:
 *
 *     UPDATE maxwells_daemon SET rollout = 0.05 WHERE application = 'website' AND version = 'canary';
 *
 * Triggers of the table count each change and keep a history (`mariadb/schema.ts`). A snapshot is one query.
 * One connection reads and writes. If there is a watch, a second one looks for changes
 * (`mariadb/changes.ts`). During a release a third one has its evidence (`mariadb/evidence.ts`).
 */

import { type MariadbAddress, parseMariadbAddress } from "./mariadb/address.ts";
import { Changes } from "./mariadb/changes.ts";
import { type Driver, engineOf, type MariadbOptions } from "./mariadb/client.ts";
import { MariadbEvidence } from "./mariadb/evidence.ts";
import { writeFault } from "./mariadb/faults.ts";
import { MariadbMany } from "./mariadb/many.ts";
import * as statements from "./mariadb/records.ts";
import { makeTable } from "./mariadb/schema.ts";
import { Session } from "./sql/session.ts";
import { SqlStore, STATEMENT_TIMEOUT_MS } from "./sql/sql-store.ts";
import type { Store, StoreContext, StoreKind } from "./store.ts";

export const mariadb: StoreKind = kindOf("mariadb", "a table of MariaDB, noticed when it changes");

/** Many programs write MariaDB's addresses so. */
export const mysql: StoreKind = kindOf("mysql", "the same as mariadb; MySQL itself does not work");

function kindOf(scheme: string, summary: string): StoreKind {
  return {
    name: scheme,
    usage: `${scheme}://HOST/DATABASE`,
    summary,
    keepsHistory: true,

    check(location) {
      const address = parseMariadbAddress(scheme, location);
      return typeof address === "string" ? address : undefined;
    },

    async open(context: StoreContext): Promise<Store> {
      const address = parseMariadbAddress(scheme, context.location);
      if (typeof address === "string") throw new TypeError(address);
      const { default: driver } = await import("mysql2");
      return storeAt(driver, address, context);
    },
  };
}

function storeAt(driver: Driver, address: MariadbAddress, context: StoreContext): Store {
  const options: MariadbOptions = {
    driver,
    address,
    environment: context.environment,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  };
  return new SqlStore({
    address: address.shown,
    session: new Session(engineOf(options)),
    ...{ statements, makeTable, writeFault },
    many: new MariadbMany(),
    changes: new Changes(options, context.warn.bind(context)),
    evidence: new MariadbEvidence(options),
    isName: (name) => name.isWellFormed(),
    nameRefusal: "MariaDB cannot store such a name; remove incomplete characters",
  });
}
