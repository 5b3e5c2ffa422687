/** The consequence of a verb, its reason, and the button that sends it. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { isBusy } from "./session.ts";
import { isOld } from "./stream.ts";

export const reason = signal("");

interface ConfirmProps {
  readonly label: string;
  readonly isBack?: boolean;
  readonly needsReason?: boolean;
  /** Whether it can be sent. */
  readonly isPossible?: boolean;
  /** The consequence, and more fields. */
  readonly children: ComponentChildren;
  readonly send: () => Promise<void>;
  readonly close: () => void;
}

export function Confirm({
  label,
  isBack = false,
  needsReason = false,
  isPossible = true,
  children,
  send,
  close,
}: ConfirmProps) {
  return (
    <form
      class="confirm"
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
      onKeyDown={({ key }) => {
        if (key === "Escape") close();
      }}
    >
      {children}
      <label>
        Why{" "}
        <input
          value={reason.value}
          maxLength={500}
          required={needsReason}
          ref={focus}
          onInput={({ currentTarget }) => {
            reason.value = currentTarget.value;
          }}
        />
      </label>{" "}
      <button
        type="submit"
        class={isBack ? "back" : ""}
        disabled={isBusy.value || isOld.value || !isPossible}
      >
        {label}
      </button>{" "}
      <button type="button" class="plain" onClick={close}>
        Cancel
      </button>
    </form>
  );
}

/** Stable, so that it is called once for each form. */
function focus(element: HTMLElement | null): void {
  element?.focus();
}
