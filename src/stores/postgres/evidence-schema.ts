/**
 * The table for the evidence of releases: batches of text, which are only added.
 *
 * A transaction that began earlier may become visible later. So a row has the number of its transaction, and
 * `evidence.ts` reads in the order of these numbers. Writers get the right for three columns only, because a
 * number that is not true could hide the rows of others.
 *
 * Each 256th row starts a function that removes some rows of a release that ended more than a week ago. The
 * function has the rights of the table's owner, so that writers need no right to delete.
 */

import { BATCH_BYTES_MAX, EVIDENCE_KEPT_MS } from "../evidence.ts";

/** A row whose number is a multiple of this one removes some old ones. */
const CLEAR_EVERY = 256;

/** At most this many rows are removed at a time. It is more than are added meanwhile. */
const CLEARED_ROWS = 512;

/**
 * The function looks at the releases of this many rows: of the oldest row, and of others that it draws at
 * random, because the oldest one may be of a release that is under way.
 */
const CLEAR_LOOKS = 16;

/**
 * @param records      the table of records, with its schema
 * @param nameBytesMax of an application
 */
export function evidenceTable(records: string, nameBytesMax: number): readonly string[] {
  const table = `${records}_evidence`;
  return [
    `CREATE TABLE ${table} (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      application text NOT NULL CHECK (octet_length(application) <= ${nameBytesMax}),
      key text NOT NULL CHECK (key ~ '^[0-9a-f]{24}$'),
      batch text NOT NULL CHECK (octet_length(batch) <= ${BATCH_BYTES_MAX}),
      transaction bigint NOT NULL DEFAULT txid_current(),
      written_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )`,
    `COMMENT ON TABLE ${table} IS 'What daemons tell each other about releases. Rows go a week after the last one of their release.'`,
    `CREATE INDEX ON ${table} (application, key, transaction, id)`,
    ...evidenceFunctions(records, "CREATE"),
    `REVOKE ALL ON FUNCTION ${table}_clear() FROM PUBLIC`,
    `CREATE TRIGGER clear AFTER INSERT ON ${table}
      FOR EACH ROW WHEN (NEW.id % ${CLEAR_EVERY} = 0) EXECUTE FUNCTION ${table}_clear()`,
  ];
}

/** A release is old if its last row is old. */
export function evidenceFunctions(records: string, make: "CREATE" | "CREATE OR REPLACE"): readonly string[] {
  const table = `${records}_evidence`;
  return [
    `${make} FUNCTION ${table}_clear() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      oldest bigint;
      drawn bigint;
      one record;
      last timestamptz;
    BEGIN
      SELECT min(id) INTO oldest FROM ${table};
      FOR look IN 1..${CLEAR_LOOKS} LOOP
        drawn := CASE look WHEN 1 THEN oldest ELSE oldest + floor(random() * (NEW.id - oldest + 1))::bigint END;
        SELECT application, key INTO one FROM ${table} WHERE id >= drawn ORDER BY id LIMIT 1;
        SELECT written_at INTO last FROM ${table} WHERE application = one.application AND key = one.key
          ORDER BY transaction DESC, id DESC LIMIT 1;
        IF last < clock_timestamp() - interval '${EVIDENCE_KEPT_MS} ms' THEN
          DELETE FROM ${table} WHERE id IN (
            SELECT id FROM ${table} WHERE application = one.application AND key = one.key
            LIMIT ${CLEARED_ROWS} FOR UPDATE SKIP LOCKED);
          EXIT;
        END IF;
      END LOOP;
      RETURN NULL;
    END $$`,
  ];
}
