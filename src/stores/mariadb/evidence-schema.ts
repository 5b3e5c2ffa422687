/**
 * The tables for the evidence of releases, and the procedure that adds to them.
 *
 * A log has a row in `maxwells_daemon_evidence_logs`, with the number of its last batch. An append holds this
 * row until it has ended. So the numbers of a log are in the order in which batches become visible, and a
 * reader that has seen a number misses no smaller one.
 *
 * Daemons may only call the procedure, so they can neither change evidence nor hide that of others. Each call
 * also removes some batches of a log that ended more than a week ago.
 */

import { BATCH_BYTES_MAX, EVIDENCE_KEPT_MS } from "../evidence.ts";

/** At most this many rows are removed at a time. It is more than one call adds. */
const CLEARED_ROWS = 64;

export function evidenceTables(nameBytesMax: number, options: string): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS maxwells_daemon_evidence_logs (
      application VARCHAR(${nameBytesMax}) NOT NULL,
      log CHAR(24) NOT NULL,
      last BIGINT UNSIGNED NOT NULL,
      written_at DATETIME(6) NOT NULL COMMENT 'UTC',
      PRIMARY KEY (application, log),
      KEY (written_at),
      CONSTRAINT \`a log has 24 digits\` CHECK (log REGEXP '^[0-9a-f]{24}$')
    ) ${options}, COMMENT = 'The number of the last batch of each release.'`,
    `CREATE TABLE IF NOT EXISTS maxwells_daemon_evidence (
      application VARCHAR(${nameBytesMax}) NOT NULL,
      log CHAR(24) NOT NULL,
      number BIGINT UNSIGNED NOT NULL,
      batch VARCHAR(${BATCH_BYTES_MAX}) NOT NULL,
      written_at DATETIME(6) NOT NULL COMMENT 'UTC',
      PRIMARY KEY (application, log, number),
      CONSTRAINT \`a batch has at most ${BATCH_BYTES_MAX} bytes\` CHECK (OCTET_LENGTH(batch) <= ${BATCH_BYTES_MAX})
    ) ${options}, COMMENT = 'What daemons tell each other about releases. Rows go a week after the last one of their release.'`,
  ];
}

/** `batches` is a JSON list of texts. */
export function evidenceProcedure(): readonly string[] {
  const isMine = "application = for_application AND log = for_log";
  const isOld = "application = old_application AND log = old_log";
  return [
    `CREATE OR REPLACE PROCEDURE maxwells_daemon_append(
      IN for_application TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
      IN for_log TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
      IN batches LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    MODIFIES SQL DATA SQL SECURITY DEFINER
    BEGIN
      DECLARE zone VARCHAR(64) DEFAULT @@SESSION.time_zone;
      DECLARE now DATETIME(6);
      DECLARE old_application, old_log TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
      DECLARE at, first BIGINT UNSIGNED DEFAULT 0;
      DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;
      SET time_zone = '+00:00';
      SET now = SYSDATE(6);
      SET time_zone = zone;
      START TRANSACTION;
      INSERT INTO maxwells_daemon_evidence_logs VALUES (for_application, for_log, JSON_LENGTH(batches), now)
        ON DUPLICATE KEY UPDATE last = last + JSON_LENGTH(batches), written_at = now;
      SET first = (SELECT last FROM maxwells_daemon_evidence_logs WHERE ${isMine}) - JSON_LENGTH(batches) + 1;
      WHILE at < JSON_LENGTH(batches) DO
        INSERT INTO maxwells_daemon_evidence
          VALUES (for_application, for_log, first + at, JSON_VALUE(batches, CONCAT('$[', at, ']')), now);
        SET at = at + 1;
      END WHILE;
      COMMIT;
      BEGIN
        -- The batches are there, whatever happens here. Another call clears up later.
        DECLARE EXIT HANDLER FOR SQLEXCEPTION ROLLBACK;
        START TRANSACTION;
        SELECT application, log INTO old_application, old_log FROM maxwells_daemon_evidence_logs
          WHERE written_at < now - INTERVAL ${EVIDENCE_KEPT_MS / 1000} SECOND
          ORDER BY written_at LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF old_log IS NOT NULL THEN
          DELETE FROM maxwells_daemon_evidence WHERE ${isOld} ORDER BY number LIMIT ${CLEARED_ROWS};
          DELETE FROM maxwells_daemon_evidence_logs WHERE ${isOld}
            AND NOT EXISTS (SELECT * FROM maxwells_daemon_evidence WHERE ${isOld});
        END IF;
        COMMIT;
      END;
    END`,
  ];
}
