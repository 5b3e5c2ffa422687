/** `?password=…` and its like. */
const SECRET_PARAMETER =
  /([?&;](?:key|pass|password|pwd|secret|token|[a-z]+[_-](?:key|token|secret))=)[^&;#\s]+/gi;

/**
 * An address as it may be shown: without the user, password or token of `redis://user:password@host`. Passwords may
 * hold an unencoded `@` or `/`, so what is hidden is rather too much than too little.
 */
export function redactAddress(address: string): string {
  const start = address.indexOf("//") + 2;
  const end = address.lastIndexOf("@");
  const userInfo = address.slice(start, end);
  const isSecret = start > 1 && end > start && (userInfo.includes(":") || !userInfo.includes("/"));
  const shown = isSecret ? `${address.slice(0, start)}***${address.slice(end)}` : address;
  return shown.replace(SECRET_PARAMETER, "$1***");
}
