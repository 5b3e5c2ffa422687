/**
 * `init-store` creates the table, and triggers that see the changes of every program. They increase the
 * revision, notify the daemons, and write the history.
 *
 * The triggers' function has the rights of the table's owner, so that operators need no rights on the history
 * and the sequence. For safety it names everything with its schema, and no other schema is on its search
 * path.
 */

import type { Ask } from "../sql/session.ts";
import { evidenceFunctions, evidenceTable } from "./evidence-schema.ts";

/**
 * A setting that is `on` during the writes of this program, which bring their own signature or none. It
 * prevents mistakes, but is not a guarantee, because every user who may write can set it. Only `changed_by`
 * and `changed_at` of the history are proof.
 */
export const SIGNED = "maxwells_daemon.signed";

/** Longer names cannot be names of applications or versions, because a notification could not carry them. */
const NAME_BYTES_MAX = 256;

/** A record's fields, as text. */
const FIELDS_BYTES_MAX = 65_536;

/**
 * The number of the lock by which two `init-store` commands wait for each other; it is `maxwells` in ASCII.
 */
const LOCK = "0x6d617877656c6c73";

/** A statement may wait for a lock as long as the command waits. */
const STATEMENT_TIMEOUT = "8s";

/**
 * Creates everything. If the table exists already, only the functions of its triggers are replaced, and the
 * table of evidence is added. Both need a caller that owns the table.
 *
 * @returns a sentence that says what exists now
 */
export async function makeTable(ask: Ask): Promise<string> {
  await ask("BEGIN");
  try {
    const done = await makeUnlessThere(ask);
    await ask("COMMIT");
    return done;
  } catch (error) {
    // If the connection is gone, the server rolls back by itself.
    await ask("ROLLBACK").catch(() => {});
    throw error;
  }
}

async function makeUnlessThere(ask: Ask): Promise<string> {
  await ask(`SET LOCAL statement_timeout = '${STATEMENT_TIMEOUT}'`);
  await ask("SELECT pg_advisory_xact_lock($1)", [BigInt(LOCK)]);
  const [found] = await ask(
    "SELECT to_regclass('maxwells_daemon') IS NOT NULL AS is_there, quote_ident(current_schema()) AS schema",
  );
  if (found?.["is_there"] === true) return renew(ask);
  const schema = String(found?.["schema"] ?? "public");
  const table = `${schema}.maxwells_daemon`;
  for (const statement of statements(table)) await ask(statement);
  for (const statement of evidenceTable(table, NAME_BYTES_MAX)) await ask(statement);
  return `the tables maxwells_daemon, _history and _evidence were made in the schema ${schema}`;
}

/** Brings what an earlier version of this program made up to date. */
async function renew(ask: Ask): Promise<string> {
  const [own] = await ask(
    `SELECT quote_ident(nspname) AS schema
     FROM pg_class AS found JOIN pg_namespace AS place ON place.oid = found.relnamespace
     WHERE found.oid = to_regclass('maxwells_daemon') AND pg_has_role(found.relowner, 'USAGE')
       AND NOT pg_is_in_recovery() AND has_schema_privilege(place.oid, 'CREATE')
       AND 2 = (
         SELECT count(DISTINCT proname) FROM pg_trigger JOIN pg_proc AS function ON function.oid = tgfoid
         WHERE tgrelid = found.oid AND proname IN ('maxwells_daemon_count', 'maxwells_daemon_tell')
           AND pronamespace = place.oid AND pg_has_role(proowner, 'USAGE'))`,
  );
  const [evidence] = await ask("SELECT to_regclass('maxwells_daemon_evidence') IS NOT NULL AS is_there");
  const isThere = evidence?.["is_there"] === true;
  if (own === undefined) {
    const remedy = "releases also need maxwells_daemon_evidence, which its owner makes with init-store";
    return `the table maxwells_daemon is there${isThere ? "" : `; ${remedy}`}`;
  }
  const table = `${String(own["schema"])}.maxwells_daemon`;
  for (const statement of functions(table, "CREATE OR REPLACE")) await ask(statement);
  const done = "the table maxwells_daemon is there, with triggers as this program makes them";
  if (!isThere) {
    for (const statement of evidenceTable(table, NAME_BYTES_MAX)) await ask(statement);
    return `${done}; maxwells_daemon_evidence was added, for releases`;
  }
  const [clear] = await ask(
    `SELECT FROM pg_proc WHERE oid = to_regproc($1) AND pg_has_role(proowner, 'USAGE')`,
    [`${table}_evidence_clear`],
  );
  if (clear === undefined) return done;
  for (const statement of evidenceFunctions(table, "CREATE OR REPLACE")) await ask(statement);
  return done;
}

function statements(table: string): readonly string[] {
  return [
    `CREATE TABLE ${table} (
      application text NOT NULL
        CONSTRAINT "application has at most ${NAME_BYTES_MAX} bytes" CHECK (octet_length(application) BETWEEN 1 AND ${NAME_BYTES_MAX}),
      version text NOT NULL
        CONSTRAINT "version has at most ${NAME_BYTES_MAX} bytes" CHECK (octet_length(version) BETWEEN 1 AND ${NAME_BYTES_MAX}),
      rollout double precision NOT NULL
        CONSTRAINT "rollout is from 0 to 1, as 0.05 for 5 %" CHECK (rollout BETWEEN 0 AND 1),
      fields jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT "fields is a JSON object" CHECK (jsonb_typeof(fields) = 'object')
        CONSTRAINT "fields has at most ${FIELDS_BYTES_MAX} bytes" CHECK (octet_length(fields::text) <= ${FIELDS_BYTES_MAX}),
      revision bigint NOT NULL DEFAULT 0,
      PRIMARY KEY (application, version)
    )`,
    `COMMENT ON TABLE ${table} IS 'Rollouts of maxwells-daemon. Change rollout; revision counts by itself.'`,
    `CREATE TABLE ${table}_history (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      application text NOT NULL,
      version text NOT NULL,
      rollout double precision,
      fields jsonb,
      revision bigint,
      changed_by name NOT NULL DEFAULT session_user,
      changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )`,
    `COMMENT ON TABLE ${table}_history IS 'Each state of a record, with its author and its time; no fields: the record was removed.'`,
    `CREATE INDEX ON ${table}_history (application, id)`,
    `CREATE SEQUENCE ${table}_revision`,
    ...functions(table, "CREATE"),
    `REVOKE ALL ON FUNCTION ${table}_count(), ${table}_tell() FROM PUBLIC`,
    `CREATE TRIGGER count BEFORE INSERT OR UPDATE ON ${table}
      FOR EACH ROW EXECUTE FUNCTION ${table}_count()`,
    `CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON ${table}
      FOR EACH ROW EXECUTE FUNCTION ${table}_tell()`,
    `CREATE TRIGGER tell_all BEFORE TRUNCATE ON ${table}
      FOR EACH STATEMENT EXECUTE FUNCTION ${table}_tell()`,
  ];
}

/**
 * For a new table no function is replaced, because an existing one belongs to another user, who could change
 * it later.
 */
function functions(table: string, make: "CREATE" | "CREATE OR REPLACE"): readonly string[] {
  return [
    `${make} FUNCTION ${table}_count() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      NEW.revision := nextval('${table.replaceAll("'", "''")}_revision');
      IF TG_OP = 'UPDATE' THEN
        -- A sequence can fall behind where a database was copied without it.
        NEW.revision := greatest(NEW.revision, OLD.revision + 1);
        -- Against mistakes: a change by hand would look like one by the author of the last one. Proof is the history.
        IF current_setting('${SIGNED}', true) IS DISTINCT FROM 'on'
           AND NEW.fields -> 'updatedAt' = OLD.fields -> 'updatedAt' THEN
          IF NEW.fields -> 'why' = OLD.fields -> 'why' THEN
            NEW.fields := NEW.fields - 'why';
          END IF;
          NEW.fields := NEW.fields || jsonb_build_object(
            'updatedBy', session_user,
            'updatedAt', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'));
        END IF;
      END IF;
      RETURN NEW;
    END $$`,
    `${make} FUNCTION ${table}_tell() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO ${table}_history (application, version) SELECT application, version FROM ${table};
        PERFORM pg_notify('maxwells_daemon', '');
        RETURN NULL;
      END IF;
      IF TG_OP = 'DELETE' OR
         TG_OP = 'UPDATE' AND (OLD.application, OLD.version) IS DISTINCT FROM (NEW.application, NEW.version) THEN
        INSERT INTO ${table}_history (application, version) VALUES (OLD.application, OLD.version);
        PERFORM pg_notify('maxwells_daemon', OLD.application);
      END IF;
      IF TG_OP <> 'DELETE' THEN
        INSERT INTO ${table}_history (application, version, rollout, fields, revision)
          VALUES (NEW.application, NEW.version, NEW.rollout, NEW.fields, NEW.revision);
        PERFORM pg_notify('maxwells_daemon', NEW.application);
      END IF;
      RETURN NULL;
    END $$`,
  ];
}
