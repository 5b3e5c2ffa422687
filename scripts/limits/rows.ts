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

const VISITORS: LimitSection = {
  title: "Proxies and visitors",
  rows: [
    {
      ...{ path: "src/stream/connections.ts", name: "CONNECTIONS_MAX", unit: "" },
      what: "connections of all listeners together, and never more than the process's descriptors less 96",
      beyond: "the daemon closes the next connection at once; its visitors go to master, and the log says so",
      remedy: "let the proxy keep connections; raise `LimitNOFILE=`",
    },
    {
      ...{ path: "src/stream/crowd.ts", name: "PEER_PART_MAX", unit: "part" },
      what: "part of a listener's places that one client may hold",
      beyond: "the client that holds most loses connections when another client needs a place",
      remedy: "find the client that opens connections and does not use them",
    },
    {
      ...{ path: "src/servers/line/codec.ts", name: "LINE_BYTES_MAX", unit: "bytes" },
      what: "a request of the line protocol, its LF included",
      beyond: "the request is invalid; its visitor goes to master",
      remedy: "send the cookie's value alone, and a shorter key",
    },
    {
      ...{ path: "src/servers/http/connection.ts", name: "HEAD_BYTES_MAX", unit: "bytes" },
      what: "the head of a request over HTTP, with all cookies",
      beyond: "the visitor goes to master, and the connection ends",
      remedy: "limit heads at the proxy, which tells the visitor the reason",
    },
    {
      ...{ path: "src/stream/stream-connection.ts", name: "REQUEST_MS_MAX", unit: "ms" },
      what: "time from a request's first byte to its last",
      beyond: "the daemon cuts the connection off",
      remedy: "nothing: a proxy has lost patience long before",
    },
    {
      ...{ path: "src/stream/waiting.ts", name: "WAITING_BYTES_MAX", unit: "bytes" },
      what: "bytes that wait in one listener: requests that are not whole, answers that are not read",
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
        "the client does not ask for a second, or for 50 ms if it was refused; its visitors go to master",
      remedy: "look at the daemon: `maxwells-daemon status`",
    },
    {
      ...{ path: "src/leases/renewal.ts", name: "LEASE_MS", unit: "ms" },
      what: "time for which nginx, HAProxy or Apache decides under a lease without hearing from the daemon",
      beyond: "the proxy sends all visitors to master, also those of versions with failsafe hold",
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
  note: "*The last values count* until `-unhealthy`. Then all visitors go to master,\nexcept those of versions with failsafe `hold`.",
  rows: [
    {
      ...{ path: "src/settings/application.ts", name: "APPLICATIONS_MAX", unit: "" },
      what: "applications of a daemon",
      beyond: "it does not start, and says so",
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
      beyond: "the last ones by name are ignored; their visitors go to master, and the log says so",
      remedy: "remove versions that are not served any more",
    },
    {
      ...{ path: "src/stores/store.ts", name: "RECORDS_MAX", unit: "" },
      what: "records of an application in a file, at a web address or in etcd",
      beyond: "the application is not read; its last values count",
      remedy: "remove versions that are not served any more",
    },
    {
      ...{ path: "src/placement.ts", name: "OWN_VERSIONS_MAX", unit: "" },
      what: "versions of an application that always have counts of their own",
      beyond: "they take counts that all applications share",
      remedy: "nothing",
    },
    {
      ...{ path: "src/placement.ts", name: "SHARED_VERSIONS_MAX", unit: "" },
      what: "further versions with counts, of all applications together",
      beyond: "metrics count their visitors under the location `other`; visitors are placed as before",
      remedy: "restart the daemon if old versions took the counts",
    },
    {
      ...{ path: "src/cli/records/change-options.ts", name: "MESSAGE_BYTES_MAX", unit: "bytes" },
      what: "the reason of a change (`-message`)",
      beyond: "the command refuses it, and changes nothing",
      remedy: "name the ticket that has the whole story",
    },
    {
      ...{ path: "src/records/history.ts", name: "PAST_MAX", unit: "" },
      what: "earlier states that a record remembers, in a store without a memory of its own",
      beyond: "the oldest one is forgotten",
      remedy: "use PostgreSQL or etcd if you need a longer history",
    },
  ],
};

const STORES: LimitSection = {
  title: "Stores",
  note: "*The last values count* until `-unhealthy`. Then all visitors go to master,\nexcept those of versions with failsafe `hold`.",
  rows: [
    {
      ...{ path: "src/feed/bounded-read.ts", name: "READ_TIMEOUT_MS", unit: "ms" },
      what: "one read of the store",
      beyond: "the read has failed; the last values count",
      remedy: "look at the store and at the network",
    },
    {
      ...{ path: "src/feed/bounded-read.ts", name: "HANGING_READS_MAX", unit: "" },
      what: "reads that hang at one time",
      beyond: "the daemon starts no further read until one ends",
      remedy: "look at the store and at the network",
    },
    {
      ...{ path: "src/cli/with-store.ts", name: "TIMEOUT_MS", unit: "ms" },
      what: "all that a command asks of a store",
      beyond: "the command fails, and says so",
      remedy: "look at the store, and repeat the command",
    },
    {
      ...{ path: "src/stores/shared/document.ts", name: "DOCUMENT_BYTES_MAX", unit: "bytes" },
      what: "the file of a store, or the page of a web address",
      beyond: `it is not read; its last values count; \`set\` refuses to write it`,
      remedy: "divide the applications among several stores",
    },
    {
      ...{ path: "src/stores/shared/document-parts.ts", name: "APPLICATION_BYTES_MAX", unit: "bytes" },
      what: "the text of one application, in a file or at a web address",
      beyond: "this application alone is not read; its last values count",
      remedy: "remove versions, and fields that are not needed",
    },
    {
      ...{ path: "src/stores/shared/document-parts.ts", name: "RECORD_DEPTH_MAX", unit: "" },
      what: "levels of objects in a record",
      beyond: `the application is not read; its last values count; \`set\` refuses to write it`,
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
      beyond: "this application alone is not read; its last values count",
      remedy: "remove versions that are not served any more",
    },
    {
      ...{ path: "src/stores/postgres/records.ts", name: "SNAPSHOT_BYTES_MAX", unit: "bytes" },
      what: "all records of an application in PostgreSQL",
      beyond: "this application alone is not read; its last values count",
      remedy: "remove versions that are not served any more",
    },
    {
      ...{ path: "src/stores/etcd/many.ts", name: "APPLICATION_BYTES_MAX", unit: "bytes" },
      what: "all records of an application in etcd",
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
      beyond: "it answers with the snapshot that it saved, or with master if there is none",
      remedy: "look at the store; set `-state-dir`",
    },
    {
      ...{ path: "src/stream/stream-context.ts", name: "DRAIN_MS", unit: "ms" },
      what: "time for which an ending daemon answers what was asked",
      beyond: "it closes the connections that are left",
      remedy: "nothing: proxies keep idle connections, and open new ones",
    },
    {
      ...{ path: "src/log/sink.ts", name: "QUEUE_LENGTH_MAX", unit: "" },
      what: "characters of the log that wait for a slow disk or terminal",
      beyond: "lines are dropped, and their number is written later; visitors are served as before",
      remedy: "look at the disk, or at the program that reads the log",
    },
    {
      ...{ path: "src/log/log.ts", name: "REPEAT_MS_MAX", unit: "ms" },
      what: "time for which the log holds a repeated warning back",
      beyond: "it is written again, with its number",
      remedy: "read the number, not the lines",
    },
    {
      ...{ path: "src/admin/admin.ts", name: "ADMIN_CONNECTIONS_MAX", unit: "" },
      what: "connections to the admin listener",
      beyond: "the daemon closes the next one at once; visitors are served as before",
      remedy: "find the program that keeps connections open",
    },
    {
      ...{ path: "src/admin/admin-connection.ts", name: "HEAD_BYTES_MAX", unit: "bytes" },
      what: "the head of a request to the admin listener",
      beyond: "it answers 431",
      remedy: "send fewer cookies; use `curl`",
    },
    {
      ...{ path: "src/config/file.ts", name: "FILE_CHARACTERS_MAX", unit: "" },
      what: "characters of the configuration file",
      beyond: "the daemon does not start, and says so",
      remedy: "name the right file with `-config`",
    },
  ],
};

export const SECTIONS: readonly LimitSection[] = [VISITORS, APPLICATIONS, STORES, DAEMON];
