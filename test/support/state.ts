import type { State } from "../../src/admin/state.ts";

/** The page `/state` of a daemon, by way of its admin listener. */
export async function stateOf({ adminUrl }: { readonly adminUrl: string | undefined }): Promise<State> {
  const response = await fetch(`${adminUrl}/state`);
  return (await response.json()) as State;
}
