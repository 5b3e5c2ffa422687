/**
 * `init-store` creates the tables, and triggers that see the changes of every program. They count, write the
 * history, and note which application has changed, for `changes.ts`.
 *
 * The triggers have the rights of the user that made them, so that operators need no rights on the history
 * and the count.
 *
 * Each write increases one count, and so waits for the row of that count until the write before it has ended.
 * So counts are in the order in which writes become visible, and a daemon that has seen a count misses no
 * smaller one. Operators write seldom enough for that.
 */

import type { Row } from "../sql/rows.ts";
import type { Ask } from "../sql/session.ts";
import { StoreError } from "../store.ts";
import { evidenceProcedure, evidenceTables } from "./evidence-schema.ts";

/** Longer names cannot be names of applications or versions. */
const NAME_BYTES_MAX = 256;

/** A record's fields, as text. */
const FIELDS_BYTES_MAX = 65_536;

/** `init-store` waits as long as its command, for another one and for each table. */
const PATIENCE_S = 8;

/**
 * Names differ if their bytes differ: by case, by accents, and by spaces at the end. The server's usual
 * collations take many different names for the same.
 */
const TABLE_OPTIONS =
  "ENGINE = InnoDB, ROW_FORMAT = DYNAMIC, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin";

/** The table has this name until its triggers are there. Then it is renamed, in one step. */
const UNFINISHED = "maxwells_daemon_unfinished";

/** The row of `maxwells_daemon_changes` that has the count of all writes. No application has this name. */
export const COUNT_ROW = "";

/**
 * Creates everything. If the table exists already, only triggers and procedures are replaced, if the caller
 * made them.
 *
 * @returns a sentence that says what exists now
 */
export async function makeTable(ask: Ask): Promise<string> {
  await ask(
    `SET SESSION max_statement_time = 0, lock_wait_timeout = ${PATIENCE_S}, innodb_lock_wait_timeout = ${PATIENCE_S}`,
  );
  const name = "CONCAT('maxwells-daemon ', LEFT(SHA2(DATABASE(), 256), 32))";
  const [lock] = await ask(`SELECT GET_LOCK(${name}, ${PATIENCE_S}) AS is_ours`);
  if (Number(lock?.["is_ours"]) !== 1) {
    throw new StoreError(
      "unavailable",
      "another init-store is under way in this database; repeat the command",
    );
  }
  try {
    return await makeUnlessThere(ask);
  } finally {
    // If the connection is gone, the server releases it by itself.
    await ask(`SELECT RELEASE_LOCK(${name})`).catch(() => {});
  }
}

async function makeUnlessThere(ask: Ask): Promise<string> {
  if (await hasTable(ask, "maxwells_daemon")) return renew(ask);
  await ask(`DROP TABLE IF EXISTS ${UNFINISHED}`);
  for (const statement of [...otherTables(), ...evidenceTables(NAME_BYTES_MAX, TABLE_OPTIONS)]) {
    await ask(statement);
  }
  for (const statement of evidenceProcedure()) await ask(statement);
  await ask(recordsTable(UNFINISHED));
  for (const statement of triggers(UNFINISHED)) await ask(statement);
  await ask(`RENAME TABLE ${UNFINISHED} TO maxwells_daemon`);
  return "the tables maxwells_daemon, _history, _changes and _evidence were made";
}

/** Brings what an earlier version of this program made up to date. */
async function renew(ask: Ask): Promise<string> {
  const [own] = await ask(
    `SELECT COUNT(*) AS triggers FROM information_schema.TRIGGERS
     WHERE TRIGGER_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = 'maxwells_daemon'
       AND TRIGGER_NAME IN ('maxwells_daemon_insert', 'maxwells_daemon_update', 'maxwells_daemon_delete')
       AND DEFINER = CURRENT_USER()`,
  );
  const [server] = await ask("SELECT @@read_only AS is_replica");
  if (numberIn(own, "triggers") !== 3 || numberIn(server, "is_replica") === 1) {
    return "the table maxwells_daemon is there";
  }
  for (const statement of evidenceTables(NAME_BYTES_MAX, TABLE_OPTIONS)) await ask(statement);
  for (const statement of [...evidenceProcedure(), ...triggers("maxwells_daemon")]) await ask(statement);
  return "the table maxwells_daemon is there, with triggers as this program makes them";
}

async function hasTable(ask: Ask, table: string): Promise<boolean> {
  const [found] = await ask(
    "SELECT COUNT(*) AS tables FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?",
    [table],
  );
  return numberIn(found, "tables") === 1;
}

function numberIn(row: Row | undefined, column: string): number {
  return Number(row?.[column]);
}

function recordsTable(name: string): string {
  const isName = (column: string) => `${column} VARCHAR(${NAME_BYTES_MAX}) NOT NULL`;
  const fits = (column: string) =>
    `CONSTRAINT \`${column} has at most ${NAME_BYTES_MAX} bytes\` CHECK (OCTET_LENGTH(${column}) BETWEEN 1 AND ${NAME_BYTES_MAX})`;
  return `CREATE TABLE ${name} (
    ${isName("application")},
    ${isName("version")},
    rollout DOUBLE NOT NULL,
    fields LONGTEXT NOT NULL DEFAULT '{}',
    revision BIGINT UNSIGNED NOT NULL DEFAULT 0,
    PRIMARY KEY (application, version),
    ${fits("application")},
    ${fits("version")},
    CONSTRAINT \`rollout is from 0 to 1, as 0.05 for 5 %\` CHECK (rollout BETWEEN 0 AND 1),
    CONSTRAINT \`fields is a JSON object\` CHECK (JSON_VALID(fields) AND JSON_TYPE(fields) = 'OBJECT'),
    CONSTRAINT \`fields has at most ${FIELDS_BYTES_MAX} bytes\` CHECK (OCTET_LENGTH(fields) <= ${FIELDS_BYTES_MAX})
  ) ${TABLE_OPTIONS}, COMMENT = 'Rollouts of maxwells-daemon. Change rollout; revision counts by itself.'`;
}

function otherTables(): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS maxwells_daemon_changes (
      application VARCHAR(${NAME_BYTES_MAX}) NOT NULL PRIMARY KEY,
      revision BIGINT UNSIGNED NOT NULL,
      KEY (revision)
    ) ${TABLE_OPTIONS}, COMMENT = 'The last write of each application. The row without a name counts all writes.'`,
    `CREATE TABLE IF NOT EXISTS maxwells_daemon_history (
      id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
      application VARCHAR(${NAME_BYTES_MAX}) NOT NULL,
      version VARCHAR(${NAME_BYTES_MAX}) NOT NULL,
      rollout DOUBLE,
      fields LONGTEXT,
      revision BIGINT UNSIGNED NOT NULL,
      changed_by VARCHAR(400) NOT NULL,
      changed_at DATETIME(6) NOT NULL COMMENT 'UTC',
      KEY (application, id)
    ) ${TABLE_OPTIONS}, COMMENT = 'Each state of a record, with its author and its time; no fields: the record was removed.'`,
  ];
}

/**
 * The time by the server's clock. A session can set what NOW() returns, but not what SYSDATE() does.
 * SYSDATE() is in the time zone of the session, and an hour of it comes twice a year.
 */
const TAKE_TIME = `
    SET zone = @@SESSION.time_zone;
    SET time_zone = '+00:00';
    SET now = SYSDATE(6);
    SET time_zone = zone;`;

const COUNT = `
    INSERT INTO maxwells_daemon_changes (application, revision) VALUES ('${COUNT_ROW}', 1)
      ON DUPLICATE KEY UPDATE revision = revision + 1;`;

const COUNTED = `(SELECT revision FROM maxwells_daemon_changes WHERE application = '${COUNT_ROW}')`;

/**
 * The login of a client, without its host. USER() is the client's, although the trigger has another's rights.
 */
const LOGIN = "LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER())))";

const noted = (application: string, revision: string) => `
      INSERT INTO maxwells_daemon_changes (application, revision) VALUES (${application}, ${revision})
        ON DUPLICATE KEY UPDATE revision = VALUES(revision);`;

const kept = (row: "NEW" | "OLD", content: string, revision: string) => `
      INSERT INTO maxwells_daemon_history (application, version, rollout, fields, revision, changed_by, changed_at)
        VALUES (${row}.application, ${row}.version, ${content}, ${revision}, USER(), now);`;

/**
 * A write of this program changes the column `revision`, and a change by hand does not. It prevents mistakes,
 * but is not a guarantee, because every user who may write can do the same. Only `changed_by` and
 * `changed_at` of the history are proof.
 */
function triggers(table: string): readonly string[] {
  return [
    `CREATE OR REPLACE TRIGGER maxwells_daemon_count_insert BEFORE INSERT ON ${table} FOR EACH ROW
    BEGIN ${COUNT}
      SET NEW.revision = ${COUNTED};
    END`,
    `CREATE OR REPLACE TRIGGER maxwells_daemon_count_update BEFORE UPDATE ON ${table} FOR EACH ROW
    BEGIN
      DECLARE zone VARCHAR(64);
      DECLARE now DATETIME(6);
      IF NEW.revision = OLD.revision
         AND JSON_VALUE(NEW.fields, '$.updatedAt') = JSON_VALUE(OLD.fields, '$.updatedAt') THEN
        ${TAKE_TIME}
        IF JSON_VALUE(NEW.fields, '$.why') = JSON_VALUE(OLD.fields, '$.why') THEN
          SET NEW.fields = JSON_REMOVE(NEW.fields, '$.why');
        END IF;
        SET NEW.fields = JSON_SET(NEW.fields, '$.updatedBy', ${LOGIN},
          '$.updatedAt', CONCAT(LEFT(DATE_FORMAT(now, '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z'));
      END IF;
      -- The count can fall behind where a table was copied without the others.
      INSERT INTO maxwells_daemon_changes (application, revision) VALUES ('${COUNT_ROW}', OLD.revision + 1)
        ON DUPLICATE KEY UPDATE revision = GREATEST(revision, OLD.revision) + 1;
      SET NEW.revision = ${COUNTED};
    END`,
    `CREATE OR REPLACE TRIGGER maxwells_daemon_insert AFTER INSERT ON ${table} FOR EACH ROW
    BEGIN
      DECLARE zone VARCHAR(64);
      DECLARE now DATETIME(6); ${TAKE_TIME}
      ${kept("NEW", "NEW.rollout, NEW.fields", "NEW.revision")}
      ${noted("NEW.application", "NEW.revision")}
    END`,
    `CREATE OR REPLACE TRIGGER maxwells_daemon_update AFTER UPDATE ON ${table} FOR EACH ROW
    BEGIN
      DECLARE zone VARCHAR(64);
      DECLARE now DATETIME(6); ${TAKE_TIME}
      IF OLD.application <> NEW.application OR OLD.version <> NEW.version THEN
        ${kept("OLD", "NULL, NULL", "NEW.revision")}
        ${noted("OLD.application", "NEW.revision")}
      END IF;
      ${kept("NEW", "NEW.rollout, NEW.fields", "NEW.revision")}
      ${noted("NEW.application", "NEW.revision")}
    END`,
    `CREATE OR REPLACE TRIGGER maxwells_daemon_delete AFTER DELETE ON ${table} FOR EACH ROW
    BEGIN
      DECLARE zone VARCHAR(64);
      DECLARE now DATETIME(6); ${TAKE_TIME} ${COUNT}
      ${kept("OLD", "NULL, NULL", COUNTED)}
      ${noted("OLD.application", COUNTED)}
    END`,
  ];
}
