/** `?password=…` and its like, and what signs the addresses of S3 (`X-Amz-Signature`), Google (`Signature`) and Azure (`sig`). */
const SECRET_PARAMETER =
  /([?&;](?:[a-z0-9]+[_.-])*(?:key|pass|passwd|password|pwd|secret|token|auth|code|credential|sig|signature)=)[^&;#\s]+/gi;

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
