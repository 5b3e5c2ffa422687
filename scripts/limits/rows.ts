/** The meaning of each limit to an operator: what has the limit, what happens beyond it, and what to do. */

export type Unit = "bytes" | "ms" | "part" | "";

export interface LimitRow {
  /** The file with the constant, and the constant's name. */
  readonly path: string;
  readonly name: string;
  readonly unit: Unit;
  readonly what: string;
  readonly beyond: string;
  readonly remedy: string;
}

export interface LimitSection {
  readonly title: string;
  /** A sentence that several rows need. */
  readonly note?: string;
  readonly rows: readonly LimitRow[];
}

const LAST_VALUES =
  "*The last values count* means: the daemon goes on with the last records that it read. When they are older than\n" +
  "`-unhealthy`, all visitors go to master, except those of versions with failsafe `hold`.";

const VISITORS: LimitSection = {
  title: "Proxies and visitors",
  note:
    "A *client* is a user of the machine on a unix socket, and an address on TCP: all workers of a proxy are one\n" +
    "client. Traefik with slices has no lease of 3 s: its health checks notice within 1.5 s that the daemon is\n" +
    "gone.",
  rows: [
    {
      ...{ path: "src/stream/connections.ts", name: "CONNECTIONS_MAX", unit: "" },
      what: "connections of all listeners together",
      beyond:
        "the daemon closes each further connection at once; the visitors of that connection go to master, and the log says so",
      remedy:
        "let the proxy keep connections open, or run a second daemon for some proxies. If `LimitNOFILE=` is less than 32 864, the limit is `LimitNOFILE=` less 96: raise it",
    },
    {
      ...{ path: "src/stream/crowd.ts", name: "PEER_PART_MAX", unit: "part" },
      what: "part of a listener's connections that one client may hold",
      beyond: "the client that holds most loses connections when another client needs a place",
      remedy: "find the client that opens connections and does not use them",
    },
    {
      ...{ path: "src/servers/line/codec.ts", name: "LINE_BYTES_MAX", unit: "bytes" },
      what: "a request of the line protocol, its LF included",
      beyond: "the request is invalid, and its visitor goes to master",
      remedy: "send only the value of the visitor's cookie, and a shorter `key=`",
    },
    {
      ...{ path: "src/servers/http/connection.ts", name: "HEAD_BYTES_MAX", unit: "bytes" },
      what: "the head of a request over HTTP, with all cookies",
      beyond: "the visitor goes to master, and the connection ends",
      remedy: "let the proxy refuse such a request: its error page tells the visitor the reason",
    },
    {
      ...{ path: "src/servers/http/body.ts", name: "BODY_BYTES_MAX", unit: "bytes" },
      what: "the body of a request for flags (OFREP), with the whole context",
      beyond: "the answer is the error `INVALID_CONTEXT`, and the SDK gives its default value",
      remedy: "put less into the context: the daemon reads only `targetingKey` and its own names",
    },
    {
      ...{ path: "src/servers/ofrep/context.ts", name: "VALUES_MAX", unit: "" },
      what: "values in the context of a request for flags (OFREP)",
      beyond: "the answer is the error `INVALID_CONTEXT`, and the SDK gives its default value",
      remedy: "put less into the context: the daemon reads only `targetingKey` and its own names",
    },
    {
      ...{ path: "src/servers/ofrep/bulk.ts", name: "FLAGS_MAX", unit: "" },
      what: "flags in one answer of OFREP to a client that asks for all",
      beyond: "the last applications are left out, and the SDK gives its default values for them",
      remedy: "let the client or its proxy name one application (OFR-11)",
    },
    {
      ...{ path: "src/servers/ofrep/changes.ts", name: "STREAMS_MAX", unit: "" },
      what: "streams of changes that one listener keeps open for clients of OFREP",
      beyond: "further clients get no stream; they ask again only as they are set up to do by themselves",
      remedy: "run a second daemon for some of the clients, or let them poll",
    },
    {
      ...{ path: "src/stream/stream-connection.ts", name: "REQUEST_MS_MAX", unit: "ms" },
      what: "time from a request's first byte to its last",
      beyond: "the daemon cuts the connection off",
      remedy: "nothing: the proxy has stopped waiting long before",
    },
    {
      ...{ path: "src/stream/waiting.ts", name: "WAITING_BYTES_MAX", unit: "bytes" },
      what: "bytes that wait in one listener, of all its clients: incomplete requests, and answers that a client does not read",
      beyond: "connections of the client that holds most are cut off; others go on",
      remedy: "find the client that asks and does not read",
    },
    {
      ...{ path: "src/client/client.ts", name: "TIMEOUT_MS", unit: "ms" },
      what: "time that the Node client waits for the daemon, unless the application says otherwise",
      beyond: "the visitor goes to master",
      remedy: "look at the load of the machine",
    },
    {
      ...{ path: "src/client/pause.ts", name: "FAILURES_MAX", unit: "" },
      what: "failures in a row, in the Node client",
      beyond:
        "the Node client asks nothing for 1 s, or for 50 ms if the connection was refused; its visitors go to master",
      remedy: "look at the daemon: `maxwells-daemon status`",
    },
    {
      ...{ path: "src/leases/renewal.ts", name: "LEASE_MS", unit: "ms" },
      what: "time for which a lease counts after the daemon gave it to nginx, HAProxy or Apache",
      beyond: "the proxy sends all visitors to master, also those of versions with failsafe `hold`",
      remedy: "look at the daemon and at its log",
    },
    {
      ...{ path: "src/leases/apache/map.ts", name: "MAP_LINE_BYTES_MAX", unit: "" },
      what: "characters of an application's line in Apache's map",
      beyond: "the last versions are left out, and their visitors go to master; the log names them",
      remedy: "remove versions, or give them shorter names",
    },
  ],
};

const APPLICATIONS: LimitSection = {
  title: "Applications and records",
  note: LAST_VALUES,
  rows: [
    {
      ...{ path: "src/settings/application.ts", name: "APPLICATIONS_MAX", unit: "" },
      what: "applications of one daemon",
      beyond: "the daemon does not start, and says so",
      remedy: "run a second daemon for the others",
    },
    {
      ...{ path: "src/settings/application.ts", name: "APPLICATION_BYTES_MAX", unit: "bytes" },
      what: "the name of an application",
      beyond: "the daemon or the command refuses it at once",
      remedy: "take a shorter name",
    },
    {
      ...{ path: "src/records/check.ts", name: "VERSIONS_MAX", unit: "" },
      what: "versions of an application",
      beyond: "the last versions by name are ignored; their visitors go to master, and the log says so",
      remedy: "remove versions that are not served any more",
    },
    {
      ...{ path: "src/stores/store.ts", name: "RECORDS_MAX", unit: "" },
      what: "records of an application, in any store",
      beyond: "this application alone is not read; its last values count",
      remedy: "remove versions that are not served any more",
    },
    {
      ...{ path: "src/placement.ts", name: "OWN_VERSIONS_MAX", unit: "" },
      what: "versions of one application that the metrics always count by name",
      beyond: "the 17th version and later ones count towards the limit of the next row",
      remedy: "nothing",
    },
    {
      ...{ path: "src/placement.ts", name: "SHARED_VERSIONS_MAX", unit: "" },
      what: "further versions that the metrics count by name, of all applications together",
      beyond:
        "the metrics count the visitors of each further version under the location `other`; visitors are placed as before",
      remedy: "restart the daemon, if versions that are gone have used up the number",
    },
    {
      ...{ path: "src/cli/records/change-options.ts", name: "MESSAGE_BYTES_MAX", unit: "bytes" },
      what: "the reason of a change (`-message`)",
      beyond: "the command refuses it, and changes nothing",
      remedy: "name the ticket that has the whole story",
    },
    {
      ...{ path: "src/records/history.ts", name: "PAST_MAX", unit: "" },
      what: "earlier states of a record that `history` can show, in every store except PostgreSQL, MariaDB, etcd and NATS",
      beyond: "the oldest state is forgotten",
      remedy: "use PostgreSQL, MariaDB or etcd if you need a longer history",
    },
  ],
};

const STORES: LimitSection = {
  title: "Stores",
  note: LAST_VALUES,
  rows: [
    {
      ...{ path: "src/feed/bounded-read.ts", name: "READ_TIMEOUT_MS", unit: "ms" },
      what: "duration of one read of the store",
      beyond: "the read has failed, and the daemon tries again; the last values count",
      remedy: "look at the store and at the network",
    },
    {
      ...{ path: "src/feed/bounded-read.ts", name: "HANGING_READS_MAX", unit: "" },
      what: "reads that have failed in this way and still hang, at one time",
      beyond: "the daemon starts no further read until one of them ends; the last values count",
      remedy: "look at the store and at the network",
    },
    {
      ...{ path: "src/cli/with-store.ts", name: "TIMEOUT_MS", unit: "ms" },
      what: "duration of all requests of one command to a store",
      beyond: "the command fails, and says so",
      remedy: "look at the store, and repeat the command",
    },
    {
      ...{ path: "src/stores/shared/document.ts", name: "DOCUMENT_BYTES_MAX", unit: "bytes" },
      what: "the file of a store, or the page of a web address",
      beyond:
        "no application in it is read; the last values of all of them count; `set` refuses to write such a file",
      remedy: "divide the applications among several stores",
    },
    {
      ...{ path: "src/stores/shared/document-parts.ts", name: "APPLICATION_BYTES_MAX", unit: "bytes" },
      what: "the text of one application, in a file or at a web address",
      beyond: "this application alone is not read; its last values count",
      remedy: "remove versions, and fields that are not needed",
    },
    {
      ...{ path: "src/stores/shared/document-parts.ts", name: "APPLICATION_VALUES_MAX", unit: "" },
      what: "values in the text of one application, in a file or at a web address",
      beyond: "this application alone is not read; its last values count",
      remedy: "remove versions, and fields that are not needed",
    },
    {
      ...{ path: "src/stores/shared/document-parts.ts", name: "APPLICATION_ESCAPES_MAX", unit: "" },
      what: "backslashes in the text of one application, in a file or at a web address",
      beyond: "this application alone is not read; its last values count",
      remedy: "shorten its notes, and write characters as themselves and not as `\\u20ac`",
    },
    {
      ...{ path: "src/stores/shared/document-parts.ts", name: "RECORD_DEPTH_MAX", unit: "" },
      what: "levels of objects within objects in a record, in a file or at a web address",
      beyond:
        "this application alone is not read; its last values count; `set` refuses to write such a record",
      remedy: "write a flatter record",
    },
    {
      ...{ path: "src/stores/file/lock.ts", name: "LOCK_WAIT_MS", unit: "ms" },
      what: "time that a writer of a file waits for the lock of another one",
      beyond: "the command fails, names the owner of the lock, and changes nothing",
      remedy: "repeat the command when the other writer is done",
    },
    {
      ...{ path: "src/stores/redis.ts", name: "HASH_BYTES_MAX", unit: "bytes" },
      what: "all records of an application in Redis",
      beyond: "this application alone is not read; its last values count; `set` refuses to write so much",
      remedy: "remove versions that are not served any more",
    },
    {
      ...{ path: "src/stores/redis.ts", name: "HASH_FIELDS_MAX", unit: "" },
      what: "fields of an application's hash in Redis: the attributes of all its records",
      beyond: "this application alone is not read; its last values count; `set` refuses to write more",
      remedy: "remove versions that are not served any more",
    },
    {
      ...{ path: "src/stores/sql/rows.ts", name: "SNAPSHOT_BYTES_MAX", unit: "bytes" },
      what: "all records of an application in PostgreSQL or MariaDB",
      beyond: "this application alone is not read; its last values count",
      remedy: "remove versions that are not served any more",
    },
    {
      ...{ path: "src/stores/etcd/snapshots.ts", name: "APPLICATION_BYTES_MAX", unit: "bytes" },
      what: "all records of an application in etcd",
      beyond: "this application alone is not read; its last values count",
      remedy: "remove versions that are not served any more",
    },
    {
      ...{ path: "src/stores/nats/records.ts", name: "APPLICATION_BYTES_MAX", unit: "bytes" },
      what: "all records of an application in NATS",
      beyond: "this application alone is not read; its last values count",
      remedy: "remove versions that are not served any more",
    },
  ],
};

const DAEMON: LimitSection = {
  title: "The daemon, its log and its admin listener",
  rows: [
    {
      ...{ path: "src/daemon/lifecycle.ts", name: "FIRST_READ_MS", unit: "ms" },
      what: "time that a starting daemon waits for its first read of the store",
      beyond:
        "it answers by the records that it saved, or with master if there are none. If they are older than `-unhealthy`, only those with `hold` count",
      remedy: "look at the store; set `-state-dir`",
    },
    {
      ...{ path: "src/stream/stream-context.ts", name: "DRAIN_MS", unit: "ms" },
      what: "time for which an ending daemon answers what was asked",
      beyond: "it closes the connections that are left",
      remedy: "nothing: the proxy opens a new connection for the next visitor",
    },
    {
      ...{ path: "src/log/sink.ts", name: "QUEUE_LENGTH_MAX", unit: "" },
      what: "characters of the log that wait for a disk that is slow or full, or for a terminal",
      beyond: "lines are dropped, and their number is written later; visitors are served as before",
      remedy: "look at the disk, or at the program that reads the log",
    },
    {
      ...{ path: "src/log/log.ts", name: "REPEAT_MS_MAX", unit: "ms" },
      what: "longest time for which the log counts a warning that repeats, in place of writing it again",
      beyond: "the log has one line with the number of repetitions",
      remedy: "nothing: the number says how often it happened",
    },
    {
      ...{ path: "src/admin/admin.ts", name: "ADMIN_CONNECTIONS_MAX", unit: "" },
      what: "connections to the admin listener",
      beyond: "the daemon closes the next one at once; visitors are served as before",
      remedy: "find the program that keeps connections open",
    },
    {
      ...{ path: "src/admin/arrival.ts", name: "HEAD_BYTES_MAX", unit: "bytes" },
      what: "the head of a request to the admin listener",
      beyond: "the daemon answers 431",
      remedy: "send fewer cookies; use `curl`",
    },
    {
      ...{ path: "src/alerts/abort-route.ts", name: "ALERTS_BYTES_MAX", unit: "bytes" },
      what: "the alerts that Alertmanager sends to `/api/abort` at one time",
      beyond: "the daemon answers 413, and aborts no release; Alertmanager's log says so",
      remedy: "set `max_alerts` of the receiver, as integrations/alertmanager/alertmanager.yml does",
    },
    {
      ...{ path: "src/alerts/abort-releases.ts", name: "ALL_ABORTS_MS_MAX", unit: "ms" },
      what: "time for all aborts that one message of Alertmanager asks for",
      beyond: "the other releases go on for now; the answer is 503, and Alertmanager sends the message again",
      remedy: "look at the store and at the network; `maxwells-daemon abort` does it by hand",
    },
    {
      ...{ path: "src/monitors/otlp/sdk.ts", name: "PART_POINTS_MAX", unit: "" },
      what: "values in one request to OpenTelemetry's collector",
      beyond: "the daemon sends the other values of this minute in further requests, one after the other",
      remedy: "nothing",
    },
    {
      ...{ path: "src/monitors/otlp/environment.ts", name: "REQUEST_MS", unit: "ms" },
      what: "time for such a request with all attempts, unless `OTEL_EXPORTER_OTLP_TIMEOUT` says otherwise",
      beyond:
        "the other values of this minute are not sent, and the log says so; the next minute has the counts",
      remedy: "look at the collector and at the network",
    },
    {
      ...{ path: "src/monitors/monitor.ts", name: "CLOSE_MS", unit: "ms" },
      what: "time for which an ending daemon sends its last metrics",
      beyond: "they are lost",
      remedy: "look at the receiver, if it happens often",
    },
    {
      ...{ path: "src/config/file.ts", name: "FILE_CHARACTERS_MAX", unit: "" },
      what: "characters of the configuration file",
      beyond: "the daemon does not start, and says so",
      remedy: "name the right file with `-config`",
    },
  ],
};

const PLANS: LimitSection = {
  title: "Plans of releases",
  rows: [
    {
      ...{ path: "src/releases/plan.ts", name: "STEPS_MAX", unit: "" },
      what: "steps of a plan",
      beyond: "the plan is refused",
      remedy: "leave steps out",
    },
    {
      ...{ path: "src/releases/plan.ts", name: "PLAN_BYTES_MAX", unit: "bytes" },
      what: "a plan in one line",
      beyond: "the plan is refused",
      remedy: "use fewer steps, and shorter names of checks",
    },
    {
      ...{ path: "src/releases/named-plans.ts", name: "WINDOWS_MAX", unit: "" },
      what: "windows of a plan",
      beyond: "the plan is refused, and the daemon does not start",
      remedy: "join days, as in `mon-thu`",
    },
    {
      ...{ path: "src/simulate/request-log.ts", name: "LOG_REQUESTS_MAX", unit: "" },
      what: "requests of an access log that `simulate` reads",
      beyond: "the later ones are left out, and the answer says so",
      remedy: "give the log of some hours",
    },
  ],
};

const OUTCOMES: LimitSection = {
  title: "Reports of outcomes",
  note: "No visitor waits for these, and a report that does not count changes nothing for visitors.",
  rows: [
    {
      ...{ path: "src/intake/outcome-line.ts", name: "OUTCOME_BYTES_MAX", unit: "" },
      what: "characters of a line with an outcome",
      beyond: "it does not count, and the log has an example",
      remedy: "leave out fields that the daemon does not know",
    },
    {
      ...{ path: "src/intake/syslog.ts", name: "MESSAGE_LENGTH_MAX", unit: "" },
      what: "characters of a message of syslog",
      beyond: "it does not count, and the log has an example",
      remedy: "leave out structured data of others",
    },
    {
      ...{ path: "src/intake/caddy.ts", name: "JSON_LENGTH_MAX", unit: "" },
      what: "characters of a line of Caddy's log",
      beyond: "it does not count, and the log has an example",
      remedy: "let the version send fewer headers",
    },
    {
      ...{ path: "src/intake/outcome-fields.ts", name: "EVENTS_MAX", unit: "" },
      what: "events of one outcome",
      beyond: "further ones are left out",
      remedy: "report the worst ones",
    },
    {
      ...{ path: "src/intake/outcome-fields.ts", name: "DURATION_MS_MAX", unit: "ms" },
      what: "a duration in a report",
      beyond: "the outcome does not count, and the log has an example",
      remedy: "report seconds, not milliseconds",
    },
    {
      ...{ path: "src/intake/udp-socket.ts", name: "RECEIVE_BYTES", unit: "bytes" },
      what: "datagrams that wait in the kernel, if `net.core.rmem_max` allows so much",
      beyond: "further ones do not count; the metrics count them, and the log says so",
      remedy: "raise `net.core.rmem_max`, or let the proxy report a share of the good outcomes",
    },
    {
      ...{ path: "src/intake/http.ts", name: "REPORTERS_MAX", unit: "" },
      what: "connections that report over HTTP",
      beyond: "the daemon closes the next one at once",
      remedy: "let each proxy or application keep one connection open",
    },
    {
      ...{ path: "src/intake/http.ts", name: "SILENCE_MS_MAX", unit: "ms" },
      what: "time for which such a connection may be silent",
      beyond: "the daemon closes it",
      remedy: "nothing: the reporter opens a new one",
    },
    {
      ...{ path: "src/intake/http/incoming.ts", name: "HEAD_BYTES_MAX", unit: "bytes" },
      what: "the head of a request with outcomes",
      beyond: "the daemon answers 431, and its outcomes do not count",
      remedy: "send fewer headers",
    },
    {
      ...{ path: "src/intake/http/incoming.ts", name: "BODY_BYTES_MAX", unit: "bytes" },
      what: "the body of a request with outcomes",
      beyond: "the daemon answers 413, and its outcomes do not count",
      remedy: "send fewer outcomes in one request",
    },
    {
      ...{ path: "src/intake/http/reports.ts", name: "UNPACKED_BYTES_MAX", unit: "bytes" },
      what: "the same body when it is unpacked",
      beyond: "the daemon refuses it, and its outcomes do not count",
      remedy: "send fewer outcomes in one request",
    },
    {
      ...{ path: "src/intake/http/connection.ts", name: "QUEUED_BYTES_MAX", unit: "bytes" },
      what: "bodies that wait for their turn, of all connections",
      beyond: "further ones do not count; the metrics count them as `busy`",
      remedy: "let the proxy report a share of the good outcomes",
    },
    {
      ...{ path: "src/intake/otlp/logs.ts", name: "RECORD_BYTES_MAX", unit: "bytes" },
      what: "one record of OTLP logs",
      beyond: "it does not count, and the log has an example",
      remedy: "let the proxy log fewer attributes",
    },
    {
      ...{ path: "src/intake/otlp/logs.ts", name: "ATTRIBUTES_MAX", unit: "" },
      what: "attributes of one record of OTLP logs",
      beyond: "further ones are left out",
      remedy: "let the proxy log fewer attributes",
    },
  ],
};

const EVIDENCE: LimitSection = {
  title: "Evidence of releases",
  note: "These limits look at no version and no outcome, so they make no release look better or worse.",
  rows: [
    {
      ...{ path: "src/evidence/capacity.ts", name: "EVIDENCE_BYTES_MAX", unit: "bytes" },
      what: "the evidence of one release in a daemon",
      beyond: "new visitors are taken by a share that gets smaller, long before",
      remedy: "nothing: the judge has enough visitors",
    },
    {
      ...{ path: "src/evidence/memory.ts", name: "ALL_EVIDENCE_BYTES_MAX", unit: "bytes" },
      what: "the evidence of all releases in a daemon",
      beyond:
        "new visitors are taken by a share that gets smaller, large releases first. The daemon finds a bad version later there, and says `ok` later. The log says so, and the metric `maxwells_daemon_evidence_short`",
      remedy: "end releases that are over, or run a second daemon for some of the applications",
    },
    {
      ...{ path: "src/evidence/cell-table.ts", name: "TABLE_CELLS_MAX", unit: "" },
      what: "visitors who met something bad, for each metric of a release",
      beyond: "long before, new visitors are taken by a share that gets smaller",
      remedy: "nothing: the judge has enough visitors",
    },
    {
      ...{ path: "src/evidence/capacity.ts", name: "SIGN_CELLS_MAX", unit: "" },
      what: "visitors of a release at which the signs look",
      beyond: "long before, new visitors are taken by a share that gets smaller",
      remedy: "nothing: the signs have enough visitors",
    },
    {
      ...{ path: "src/evidence/step-evidence.ts", name: "SKETCH_CELLS_MAX", unit: "" },
      what: "visitors of a step that are counted one by one for `ok`",
      beyond: "at least the half of them stays, and stands for all: the number is right to 2 %",
      remedy: "nothing",
    },
    {
      ...{ path: "src/evidence/heard.ts", name: "HEARD_MAX", unit: "" },
      what: "daemons whose sums count in a step",
      beyond: "those with the fewest outcomes are left out of the sums",
      remedy: "nothing: their visitors count",
    },
    {
      ...{ path: "src/judge/segment.ts", name: "SEGMENTS_MAX", unit: "" },
      what: "parts of 15 minutes into which a release is cut",
      beyond: "later parts are longer, so harm that begins late is found later",
      remedy: "end a release after some days",
    },
    {
      ...{ path: "src/evidence/decided-at.ts", name: "LATE_MS_MAX", unit: "ms" },
      what: "the age of an outcome, from its decision",
      beyond: "it counts for nothing",
      remedy: "nothing, if only long connections take so long",
    },
    {
      ...{ path: "src/evidence/decided-at.ts", name: "REPORTED_OFF_MS_MAX", unit: "ms" },
      what: "how far the time in a report may be from the daemon's own",
      beyond: "the time of its arrival counts, less its duration",
      remedy: "set the clocks of the machines with the proxies",
    },
  ],
};

const CHECKS: LimitSection = {
  title: "Checks of releases",
  note: "A check that is unknown holds its release back. It never takes a release back.",
  rows: [
    {
      ...{ path: "src/checks/prometheus.ts", name: "ANSWER_BYTES_MAX", unit: "bytes" },
      what: "the answer of Prometheus to one query",
      beyond: "the check is unknown",
      remedy: "let the query give one figure, such as by `sum(…)`",
    },
    {
      ...{ path: "src/checks/prometheus-query.ts", name: "QUERY_BYTES_MAX", unit: "bytes" },
      what: "a query of Prometheus, as it is written in an address",
      beyond: "the check is refused, and the daemon does not start",
      remedy: "write a recording rule, and query that",
    },
    {
      ...{ path: "src/checks/secret.ts", name: "SECRET_BYTES_MAX", unit: "bytes" },
      what: "the file of a secret",
      beyond: "the check is unknown",
      remedy: "name the right file",
    },
    {
      ...{ path: "src/checks/request.ts", name: "REDIRECTS_MAX", unit: "" },
      what: "redirects of one request, all within one origin",
      beyond: "the check is unknown",
      remedy: "write the last address into `url`",
    },
    {
      ...{ path: "src/checks/places.ts", name: "PLACES_MAX", unit: "" },
      what: "evaluations of all checks at once",
      beyond: "further ones wait for their turn",
      remedy: "lower `timeout`, so that a program that hangs gives its place back sooner",
    },
    {
      ...{ path: "src/checks/places.ts", name: "PLACES_OF_CHECK_MAX", unit: "" },
      what: "evaluations of one check at once",
      beyond: "further ones wait for their turn",
      remedy: "look at the program that the check asks",
    },
  ],
};

const NOTICES: LimitSection = {
  title: "Notices of releases",
  rows: [
    {
      ...{ path: "src/notices/options.ts", name: "DESTINATIONS_MAX", unit: "" },
      what: "addresses of `-notify`",
      beyond: "the daemon does not start, and says so",
      remedy: "put a relay before some of them",
    },
    {
      ...{ path: "src/notices/attempt.ts", name: "CALL_MS", unit: "ms" },
      what: "duration of one attempt to send a notice",
      beyond: "the daemon tries again later",
      remedy: "let the receiver answer first, and work on the notice afterwards",
    },
    {
      ...{ path: "src/notices/attempt.ts", name: "RETRY_AFTER_MS_MAX", unit: "ms" },
      what: "the pause that a receiver asks for with `Retry-After`",
      beyond: "the daemon tries again after this time",
      remedy: "answer 429 or 503 again",
    },
    {
      ...{ path: "src/notices/delivery.ts", name: "GIVE_UP_MS", unit: "ms" },
      what: "time for which a notice is tried again",
      beyond: "the notice is lost, and the log has its sentence",
      remedy: "look at the receiver, and at the network between it and the daemon",
    },
    {
      ...{ path: "src/notices/delivery.ts", name: "QUEUE_MAX", unit: "" },
      what: "notices that wait for one address",
      beyond: "the oldest one is lost, and the log has its sentence",
      remedy: "look at the receiver, and at the network between it and the daemon",
    },
    {
      ...{ path: "src/notices/outbox.ts", name: "NOTICE_AGE_MS_MAX", unit: "ms" },
      what: "age of a transition that is told",
      beyond: "it has no notice",
      remedy: "read the history of the version",
    },
  ],
};

const PAGE: LimitSection = {
  title: "The page for browsers",
  rows: [
    {
      ...{ path: "src/admin/admin-connection.ts", name: "STREAMS_MAX", unit: "" },
      what: "pages that are open at one daemon; fewer if the daemon has few descriptors",
      beyond: "the next page says that the daemon does not answer, and tries again",
      remedy: "close pages, or open the page of another daemon: each shows the same releases",
    },
    {
      ...{ path: "src/page/sessions.ts", name: "SESSIONS_MAX", unit: "" },
      what: "operators who are logged in at one daemon",
      beyond: "the oldest login ends",
      remedy: "log in again; log out at the end",
    },
    {
      ...{ path: "src/page/tries.ts", name: "TRIES_MAX", unit: "" },
      what: "wrong tokens within a minute, of one address or of one IPv6 network of 64 bits",
      beyond:
        "no login is taken from there for the rest of the minute; others log in, and operators who are logged in stay so",
      remedy: "use the command line meanwhile; see in the log that the token was wrong",
    },
    {
      ...{ path: "src/page/tries.ts", name: "PACE_MS", unit: "ms" },
      what: "time between the looks at two tokens, of all clients together",
      beyond: "a login waits for its turn, behind at most as many as the listener has connections",
      remedy: "wait; look in the log if many tokens are wrong, and close the listener to those clients",
    },
    {
      ...{ path: "src/page/act.ts", name: "REASON_LENGTH_MAX", unit: "" },
      what: "characters of a reason",
      beyond: "the reason is cut; the verb is done",
      remedy: "name a ticket",
    },
    {
      ...{ path: "src/page/place.ts", name: "KEY_LENGTH_MAX", unit: "" },
      what: "characters of a key whose place the page looks for",
      beyond: "the page asks for a shorter one",
      remedy: "look for the assignment in the visitor's cookie",
    },
    {
      ...{ path: "src/page/source.ts", name: "LISTED_MAX", unit: "" },
      what: "applications in the list; those with a release are listed first",
      beyond: "the others are not in the list, and keep their addresses",
      remedy: "write the name behind `?application=` in the page's address",
    },
    {
      ...{ path: "src/page/fleet.ts", name: "MEMBERS_MAX", unit: "" },
      what: "daemons in the table of the fleet; those that lead come first",
      beyond: "the others are not shown",
      remedy: "look at `maxwells-daemon release`",
    },
    {
      ...{ path: "src/page/browser/past.ts", name: "POINTS_MAX", unit: "" },
      what: "points of a chart, one a second, since the page was opened",
      beyond: "the oldest ones go",
      remedy: "look at the metrics in Prometheus",
    },
  ],
};

export const SECTIONS: readonly LimitSection[] = [
  ...[VISITORS, APPLICATIONS, STORES, DAEMON, PAGE],
  ...[PLANS, OUTCOMES, EVIDENCE, CHECKS, NOTICES],
];
