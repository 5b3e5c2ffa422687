/** The login of the operator. */

import { isBusy, logIn } from "./session.ts";

/** @param aim such as `to act` */
export function LogIn({ aim }: { readonly aim: string }) {
  return (
    <form
      class="actions"
      aria-label="Log in"
      onSubmit={(event) => {
        event.preventDefault();
        const fields = new FormData(event.currentTarget);
        void logIn(String(fields.get("name")), String(fields.get("token")));
      }}
    >
      <label>
        Name <input name="name" autocomplete="username" required />
      </label>{" "}
      <label>
        Token <input name="token" type="password" autocomplete="current-password" required />
      </label>{" "}
      <button type="submit" disabled={isBusy.value}>
        Log in {aim}
      </button>
    </form>
  );
}
