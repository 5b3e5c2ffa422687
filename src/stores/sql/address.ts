/** The form that addresses of databases have in common: `KIND://USER:PASSWORD@HOST:PORT/DATABASE?…`. */

/** How a kind of database writes its addresses. */
export interface AddressForm {
  readonly scheme: string;
  /** The names that are allowed after the question mark. */
  readonly parameters: ReadonlySet<string>;
  /** One of these parameters with its value, for messages. */
  readonly parameterExample: string;
  /** The parameter that names the directory or the file of a unix socket. */
  readonly socketParameter: string;
  readonly socketExample: string;
  /** The sentence that says what to write, for messages. */
  readonly example: string;
}

export interface AddressParts {
  /** Empty if the address does not name it. */
  readonly user: string;
  readonly password: string;
  /** A name, an IP address, or the path that the parameter of the socket names. */
  readonly host: string;
  readonly port: number | undefined;
  readonly database: string;
  readonly parameters: URLSearchParams;
}

/**
 * @param location what follows the scheme and the colon
 * @returns the parts, or a message that names the fault and the remedy, without secrets
 */
export function partsOfAddress(location: string, form: AddressForm): AddressParts | string {
  const { example } = form;
  const url = URL.parse(`${form.scheme}:${location}`);
  if (url === null || !location.startsWith("//") || url.hash !== "") {
    return `${example}; special characters in user and password as %40 for @, %2F for /`;
  }
  const unknown = [...url.searchParams.keys()].find((name) => !form.parameters.has(name));
  if (unknown !== undefined)
    return `after the ? only these are allowed: ${[...form.parameters].join(", ")}, as in ${form.parameterExample}`;

  let parts: { user: string; password: string; hostname: string; database: string };
  try {
    parts = {
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      hostname: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1"),
      database: decodeURIComponent(url.pathname.slice(1)),
    };
  } catch {
    return "write a % as %25";
  }
  const { user, password, hostname, database } = parts;
  const host = url.searchParams.get(form.socketParameter) ?? hostname;
  if (host === "" || host.includes(",")) {
    return `name one host; ${example}, or ?${form.socketParameter}=${form.socketExample}`;
  }
  // If a password has a slash, the parser takes the rest as the database, which would be shown.
  if (database === "" || database.includes("/") || url.pathname.includes("@")) {
    return `name the database, and write / as %2F and @ as %40; ${example}`;
  }
  if (`${user}${password}${host}${database}`.includes("\0")) return `take out %00; ${example}`;
  const port = url.port === "" ? undefined : Number(url.port);
  return { user, password, host, port, database, parameters: url.searchParams };
}
