/** The words if the store refuses the writes of daemons that should lead releases. */

/** The remedy on the machine of such a daemon. */
export const RIGHTS_REMEDY =
  "give the daemon's login the rights of a controller (the page of the store has them), or start it with -releases off";

/** `web-1 has -releases on, but the store refuses its writes`. */
export function unableText(names: readonly string[]): string {
  const [is, its] = names.length === 1 ? ["has", "its"] : ["have", "their"];
  return `${namesText(names)} ${is} -releases on, but the store refuses ${its} writes`;
}

/** The remedy on another machine. */
export function unableRemedy(names: readonly string[]): string {
  const [login, them] = names.length === 1 ? ["login", "it"] : ["logins", "them"];
  return (
    `give the ${login} of ${namesText(names)} the rights of a controller (the page of the store has them), ` +
    `or start ${them} with -releases off`
  );
}

/** A longer list is cut. */
const NAMES_MAX = 6;

function namesText(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_MAX);
  const more = names.length - shown.length;
  if (more > 0) return `${shown.join(", ")} and ${more} more`;
  const last = shown.at(-1) ?? "";
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(", ")} and ${last}`;
}
