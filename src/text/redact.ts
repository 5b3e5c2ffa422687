/**
 * Parameters of this program's own stores that are not secret: names of modes and of files. The values of all
 * others are hidden. A list of names that sound like secrets would miss the next one: `apikey`, `jwt`,
 * `AWSAccessKeyId`.
 */
const PUBLIC_PARAMETERS: ReadonlySet<string> = new Set([
  "host",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "socket",
  "ssl-mode",
  "ssl-ca",
  "ssl-cert",
  "ssl-key",
  "cacert",
  "cert",
]);

/**
 * The stores that have these parameters. In any other address, a parameter of the same name may be a secret.
 */
const HAS_PUBLIC_PARAMETERS = /^(?:postgres|mariadb|mysql|etcds?|natss?):/;

const QUERY = /\?[^#\s]*/g;

/** Finds secrets in a text that is not a web address, such as `Endpoint=…;key=…`. */
const SECRET_PARAMETER =
  /([&;][a-z0-9_.-]*(?:key|pass|passwd|password|pwd|secret|token|auth|code|credential|sig|signature)=)[^&;#\s]+/gi;

/**
 * An address without its secrets: the user, password or token of `redis://user:password@host`, and the values
 * of a query. A password may hold an unencoded `@` or `/`, so this hides too much rather than too little.
 */
export function redactAddress(address: string): string {
  const start = address.indexOf("//") + 2;
  const end = address.lastIndexOf("@");
  const userInfo = address.slice(start, end);
  const isSecret = start > 1 && end > start && (userInfo.includes(":") || !userInfo.includes("/"));
  const shown = isSecret ? `${address.slice(0, start)}***${address.slice(end)}` : address;
  const isPublic = (name: string) => HAS_PUBLIC_PARAMETERS.test(address) && PUBLIC_PARAMETERS.has(name);
  return shown.replace(QUERY, (query) => redactQuery(query, isPublic)).replace(SECRET_PARAMETER, "$1***");
}

/** Changes `?a=1&b` to `?a=***&***`. A parameter without a name is a value. */
function redactQuery(query: string, isPublic: (name: string) => boolean): string {
  return query.replace(
    /([?&;])([^=&;]*)(=?)([^&;]*)/g,
    (part, mark: string, name: string, is: string, value: string) => {
      if (is === "") return name === "" ? part : `${mark}***`;
      return value === "" || isPublic(name.toLowerCase()) ? part : `${mark}${name}=***`;
    },
  );
}
