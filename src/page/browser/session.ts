/** The login of the operator, and the writes. A write says what the daemon answered, and no more. */

import { signal } from "@preact/signals";

/** The operator's name; null without a login. */
export const operator = signal<string | null>(null);

/** Whether this daemon lets operators log in. */
export const canWrite = signal(false);

/** Why the daemon does not show its page to this reader; null if it does. */
export const refusal = signal<string | null>(null);

/** The daemon's last answer to a write or a login. */
export const answer = signal<{ readonly isGood: boolean; readonly text: string } | undefined>(undefined);

export const isBusy = signal(false);

interface Me {
  readonly name: string | null;
  readonly canWrite: boolean;
  readonly refusal: string | null;
}

export async function lookWho(): Promise<void> {
  const reply = await fetch("/api/me").catch(() => undefined);
  if (reply?.ok !== true) return;
  const me = (await reply.json()) as Me;
  operator.value = me.name;
  canWrite.value = me.canWrite;
  refusal.value = me.refusal;
}

export async function logIn(name: string, token: string): Promise<void> {
  await ask("/api/login", { name, token }, "");
  await lookWho();
}

export async function logOut(): Promise<void> {
  await ask("/api/logout", {}, "");
  await lookWho();
}

/** Sends an act, pinned to what the page shows (`act.ts` of the daemon). */
export async function act(wanted: Readonly<Record<string, unknown>>): Promise<void> {
  await ask("/api/act", wanted, "done");
}

async function ask(path: string, body: Readonly<Record<string, unknown>>, done: string): Promise<void> {
  isBusy.value = true;
  try {
    const reply = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    answer.value = { isGood: reply.ok, text: await textOf(reply, done) };
    // The login has ended, with the daemon or by its time. The page offers a new one.
    if (reply.status === 401) await lookWho();
  } catch {
    answer.value = {
      isGood: false,
      text: "The daemon does not answer. Look at the release before you try again.",
    };
  }
  isBusy.value = false;
}

async function textOf(reply: Response, done: string): Promise<string> {
  if (reply.headers.get("content-type") !== "application/json") return (await reply.text()).trim() || done;
  const { text = done, remedy } = (await reply.json()) as {
    readonly text?: string;
    readonly remedy?: string;
  };
  return remedy === undefined ? text : `${text}. ${remedy}`;
}
