/**
 * The verbs that make sense now, each with its consequence, which is confirmed before anything is sent. The
 * way back comes first.
 */

import { signal } from "@preact/signals";
import type { ApplicationNews, ReleaseNews } from "../news.ts";
import { act, answer, canWrite, isBusy, logIn, logOut, operator } from "./session.ts";
import { isOld } from "./stream.ts";
import { shareText } from "./words.ts";

interface Choice {
  readonly verb: string;
  readonly label: string;
  readonly consequence: string;
  readonly sign?: string;
}

function choicesOf(release: ReleaseNews): Choice[] {
  const { state, step, steps, rollout, isOver, of, judged } = release;
  const next = steps?.[step]?.rollout;
  const back = `takes ${shareText(rollout)} of the visitors back to master, at once`;
  const all: (Choice | false)[] = [
    !isOver && state !== "promoted" && { verb: "abort", label: "Abort", consequence: back },
    state === "promoted" && { verb: "undo", label: "Undo", consequence: back },
    state === "running" && {
      verb: "pause",
      label: "Pause",
      consequence: "keeps the present share until a person resumes it",
    },
    state === "paused" && {
      verb: "resume",
      label: "Resume",
      consequence: "goes on with this step, whose wait begins again",
    },
    state === "running" &&
      next !== undefined && {
        verb: "promote",
        label: `Promote to ${shareText(next)}`,
        consequence: `gives ${shareText(next)} of the visitors the canary now, and skips all that this step waits for`,
      },
    state === "promoted" && {
      verb: "finish",
      label: "Finish",
      consequence: `takes all visitors to master; do it only when master's servers run ${of}`,
    },
    ...(judged?.signs ?? [])
      .filter(({ isCleared }) => !isCleared)
      .map(({ name }) => ({
        verb: "clear",
        label: `Clear the sign ${name}`,
        consequence: `lets the release go on although the judge raised ${name}`,
        sign: name,
      })),
  ];
  return all.filter((choice) => choice !== false);
}

/**
 * The verb that waits for its confirmation, with the release for which it was chosen. If the release goes a step
 * forward meanwhile, the verb still means the step that the operator saw, and the daemon refuses it.
 */
const chosen = signal<{ readonly choice: Choice; readonly release: ReleaseNews } | undefined>(undefined);
const reason = signal("");

/** The button that was pressed. It gets the focus back, because else the keyboard begins again at the top. */
let opener: HTMLElement | undefined;

export function Actions({
  news,
  release,
}: {
  readonly news: ApplicationNews;
  readonly release: ReleaseNews;
}) {
  const choices = choicesOf(release);
  if (choices.length === 0 || !canWrite.value) return <Answer />;
  if (operator.value === null) return <LogIn />;
  return (
    <section class="actions" aria-label="Actions">
      {choices.map((choice) => (
        <button
          key={choice.label}
          type="button"
          class={choice.verb === "abort" || choice.verb === "undo" ? "back" : ""}
          disabled={isBusy.value || isOld.value}
          onClick={({ currentTarget }) => {
            opener = currentTarget;
            chosen.value = { choice, release };
          }}
        >
          {choice.label}
        </button>
      ))}
      <span class="who">
        {operator.value}{" "}
        <button type="button" class="plain" onClick={() => void logOut()}>
          log out
        </button>
      </span>
      {chosen.value !== undefined && <Confirm news={news} {...chosen.value} />}
      <Answer />
    </section>
  );
}

interface ConfirmProps {
  readonly news: ApplicationNews;
  readonly release: ReleaseNews;
  readonly choice: Choice;
}

function Confirm({ news, release, choice }: ConfirmProps) {
  const { label, consequence, verb, sign } = choice;
  const close = () => {
    chosen.value = undefined;
    reason.value = "";
    // The button may be disabled until the page is drawn again.
    requestAnimationFrame(() => opener?.focus());
  };
  return (
    <form
      class="confirm"
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        const wanted = { verb, reason: reason.value, ...(sign === undefined ? {} : { sign }) };
        void act(news.name, release, wanted).then(close);
      }}
      onKeyDown={({ key }) => {
        if (key === "Escape") close();
      }}
    >
      <p>
        {label}: it {consequence}.
      </p>
      <label>
        Why{" "}
        <input
          value={reason.value}
          maxLength={500}
          ref={focus}
          onInput={({ currentTarget }) => {
            reason.value = currentTarget.value;
          }}
        />
      </label>{" "}
      <button type="submit" disabled={isBusy.value || isOld.value}>
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

function LogIn() {
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
        Log in to act
      </button>
      <Answer />
    </form>
  );
}

function Answer() {
  const { value } = answer;
  if (value === undefined || value.text === "") return null;
  return (
    <p role="status" class={value.isGood ? "good" : "warning"}>
      {value.text}
    </p>
  );
}
