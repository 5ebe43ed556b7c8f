// The runs of this capture, the latest first: to be looked at again, or taken into the form.

import { element } from "./elements.js";
import { FOLDER } from "./file_field.js";

const STATES = {
  queued: "under way",
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
  lost: "lost: ComfyUI was restarted meanwhile",
};
const SHOWN = 90; // characters of the values

/** @param {HTMLElement} place @param {any[]} runs @param {string | null} shown id
 * @param {{show: (run: any) => void, load: (run: any) => void}} act */
export function showHistory(place, runs, shown, act) {
  const nothing = element("li", { class: "help" }, "No runs yet.");
  place.replaceChildren(...(runs.length ? runs.map((one) => row(one, shown, act)) : [nothing]));
}

/** @param {any} run @param {string | null} shown @param {any} act */
function row(run, shown, act) {
  const when = new Date(run.started_at);
  const time = when.toLocaleString([], { dateStyle: "short", timeStyle: "medium" });
  const state = STATES[/** @type {keyof typeof STATES} */ (run.state)] ?? run.state;
  const took = run.seconds === null ? "" : `, ${secondsText(run.seconds)}`;
  const of = element("span", { class: "unseen" }, ` of the run at ${time}`);
  return element(
    "li",
    { class: `run ${run.state}`, "aria-current": run.id === shown ? "true" : null },
    element(
      "div",
      {},
      element("time", { dateTime: run.started_at }, time),
      element("span", { class: "run-state" }, ` ${state}${took}`),
    ),
    element("p", { class: "values" }, valuesText(run.values)),
    element(
      "div",
      { class: "buttons" },
      run.state !== "queued" &&
        element("button", { type: "button", onclick: () => act.show(run) }, "Show", of.cloneNode(true)),
      element(
        "button",
        { type: "button", onclick: () => act.load(run) },
        "Use its values",
        of,
      ),
    ),
  );
}

/** @param {Record<string, string>} values */
function valuesText(values) {
  const text = Object.entries(values)
    .map(([name, value]) => `${name}: ${valueText(value)}`)
    .join(" · ");
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text || "nothing was given";
}

/** Texts as they were typed, files by their names alone. @param {string} json text */
function valueText(json) {
  if (!json.startsWith('"')) return json; // a number keeps its digits
  const value = String(JSON.parse(json));
  return JSON.stringify(value.startsWith(`${FOLDER}/`) ? value.split("/").pop() : value);
}

/** @param {number} seconds */
export function secondsText(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
