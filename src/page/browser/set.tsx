/** Sets a rollout by hand: only what is possible now, with its consequence. */

import { signal } from "@preact/signals";
import { MAINTENANCE } from "../../circle.ts";
import type { ApplicationNews } from "../news.ts";
import { Confirm, reason } from "./confirm.tsx";
import { settingOf, versionsOf } from "./rollouts.ts";
import { act } from "./session.ts";

const version = signal("");
const percent = signal("");

export function SetForm({ news, close }: { readonly news: ApplicationNews; readonly close: () => void }) {
  const versions = versionsOf(news);
  const chosen = versions.includes(version.value) ? version.value : (versions[0] ?? "");
  const isSwitch = chosen === MAINTENANCE;
  const isOn = news.arcs.some((arc) => arc.version === MAINTENANCE && arc.rollout > 0);
  const rollout = isSwitch
    ? Number(!isOn)
    : percent.value === ""
      ? Number.NaN
      : Number((Number(percent.value) / 100).toPrecision(12));
  const setting = settingOf({ version: chosen, rollout }, news);
  const isPossible = setting.kind === "possible";
  const send = async () => {
    if (!isPossible) return;
    const { expect } = setting;
    const wanted = { application: news.name, version: chosen, rollout, expect };
    await act({ ...wanted, verb: "set", reason: reason.value });
    percent.value = "";
    close();
  };
  return (
    <Confirm label={isPossible ? setting.label : "Set"} isPossible={isPossible} send={send} close={close}>
      <p>
        {isPossible
          ? `It ${setting.consequence}.`
          : percent.value !== "" || isSwitch
            ? `${setting.why}.`
            : ""}
      </p>
      <label>
        Version{" "}
        <select
          value={chosen}
          onChange={({ currentTarget }) => {
            version.value = currentTarget.value;
          }}
        >
          {versions.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>{" "}
      {!isSwitch && (
        <label>
          Share in %{" "}
          <input
            type="number"
            min="0"
            max="100"
            step="any"
            class="short"
            value={percent.value}
            onInput={({ currentTarget }) => {
              percent.value = currentTarget.value;
            }}
          />
        </label>
      )}{" "}
    </Confirm>
  );
}
