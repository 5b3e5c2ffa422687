/**
 * The verbs that are possible now, each with its consequence, which is confirmed before anything is sent. The
 * way back has a place of its own: first on the page, and always in reach.
 */

import { signal } from "@preact/signals";
import type { ApplicationNews, ReleaseNews } from "../news.ts";
import { type Choice, freezeChoice, hasText, verbsOf, wayBack } from "./choices.ts";
import { Confirm, reason } from "./confirm.tsx";
import { LogIn } from "./login.tsx";
import { act, answer, canWrite, isBusy, logOut, operator } from "./session.ts";
import { SetForm } from "./set.tsx";
import { isOld } from "./stream.ts";

/**
 * The verb that waits for its confirmation, with the release for which it was chosen. If the release goes a step
 * forward meanwhile, the verb still means the step that the operator saw, and the daemon refuses it.
 */
interface Chosen {
  readonly choice: Choice;
  readonly release: ReleaseNews | undefined;
}

const chosen = signal<Chosen | "set" | undefined>(undefined);

/** The button that was pressed. It gets the focus back, because else the keyboard begins again at the top. */
let opener: HTMLElement | undefined;

function close(): void {
  chosen.value = undefined;
  reason.value = "";
  // The button may be disabled until the page is drawn again.
  requestAnimationFrame(() => opener?.focus());
}

/** The first thing on the page that a key reaches. */
export function WayBack({ news }: { readonly news: ApplicationNews }) {
  const release = news.releases[0];
  const choice = release && wayBack(release);
  if (release === undefined || choice === undefined || operator.value === null) return null;
  const { value } = chosen;
  const wanted = value !== undefined && value !== "set" && value.choice.isBack === true ? value : undefined;
  return (
    <section class="way-back" aria-label="The way back">
      <Button choice={choice} release={release} />
      <span>
        {news.name}: {hasText(news, release)}
      </span>
      {/* It means the release at any step, so its consequence is that of now. */}
      {wanted !== undefined && (
        <ConfirmChoice
          news={news}
          {...(wanted.release?.key === release.key ? { choice, release } : wanted)}
        />
      )}
    </section>
  );
}

export function Actions({ news }: { readonly news: ApplicationNews }) {
  if (!canWrite.value) return <Answer />;
  if (operator.value === null) {
    return (
      <>
        <LogIn aim="to act" />
        <Answer />
      </>
    );
  }
  const release = news.releases[0];
  const freeze = freezeChoice(news.freeze);
  const { value } = chosen;
  return (
    <section class="actions" aria-label="Actions">
      {release !== undefined &&
        verbsOf(release).map((choice) => <Button key={choice.label} choice={choice} release={release} />)}
      {news.arcs.length > 0 && (
        <button
          type="button"
          disabled={isBusy.value || isOld.value}
          onClick={({ currentTarget }) => open("set", currentTarget)}
        >
          Set a share …
        </button>
      )}
      {freeze !== undefined && <Button choice={freeze} release={undefined} />}
      <span class="who">
        {operator.value}{" "}
        <button type="button" class="plain" onClick={() => void logOut()}>
          log out
        </button>
      </span>
      {value === "set" && <SetForm news={news} close={close} />}
      {value !== undefined && value !== "set" && value.choice.isBack !== true && (
        <ConfirmChoice news={news} {...value} />
      )}
      <Answer />
    </section>
  );
}

function open(what: Chosen | "set", button: HTMLElement): void {
  opener = button;
  reason.value = "";
  chosen.value = what;
}

function Button({ choice, release }: Chosen) {
  return (
    <button
      type="button"
      class={choice.isBack === true ? "back" : ""}
      disabled={isBusy.value || isOld.value}
      onClick={({ currentTarget }) => open({ choice, release }, currentTarget)}
    >
      {choice.label}
    </button>
  );
}

function ConfirmChoice({ news, choice, release }: Chosen & { readonly news: ApplicationNews }) {
  const { label, consequence, verb, needsReason = false, isBack = false } = choice;
  const send = async () => {
    const pin =
      release === undefined
        ? {}
        : { application: news.name, version: release.version, key: release.key, step: release.step };
    await act({ ...pin, ...choice.with, verb, reason: reason.value });
    close();
  };
  return (
    <Confirm label={label} needsReason={needsReason} isBack={isBack} send={send} close={close}>
      <p>
        {label}: it {consequence}.
      </p>
    </Confirm>
  );
}

export function Answer() {
  const { value } = answer;
  if (value === undefined || value.text === "") return null;
  return (
    <p role="status" class={value.isGood ? "good" : "warning"}>
      {value.text}
    </p>
  );
}
