/**
 * Parameters of this program's own stores whose values are no secrets: names of modes and of files. The value of any other one
 * is hidden. A list of names that sound like secrets would miss the next one: `apikey`, `jwt`, `AWSAccessKeyId`.
 */
const PUBLIC_PARAMETERS: ReadonlySet<string> = new Set([
  "host",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "cacert",
  "cert",
]);

/** The stores that have these parameters. Elsewhere a parameter of such a name is anybody's: a `cert=…` may be a secret. */
const HAS_PUBLIC_PARAMETERS = /^(?:postgres|etcds?):/;

const QUERY = /\?[^#\s]*/g;

/** A text with `;password=…` in it that is no web address, such as `Endpoint=…;key=…`. */
const SECRET_PARAMETER =
  /([&;][a-z0-9_.-]*(?:key|pass|passwd|password|pwd|secret|token|auth|code|credential|sig|signature)=)[^&;#\s]+/gi;

/**
 * An address as it may be shown: without the user, password or token of `redis://user:password@host`, and without the values of
 * a query. Passwords may hold an unencoded `@` or `/`, so what is hidden is rather too much than too little.
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

/** `?a=1&b` → `?a=***&***`: a parameter without a name is a value. */
function redactQuery(query: string, isPublic: (name: string) => boolean): string {
  return query.replace(
    /([?&;])([^=&;]*)(=?)([^&;]*)/g,
    (part, mark: string, name: string, is: string, value: string) => {
      if (is === "") return name === "" ? part : `${mark}***`;
      return value === "" || isPublic(name.toLowerCase()) ? part : `${mark}${name}=***`;
    },
  );
}
