// Who can reach ComfyUI: what it listens to, and the scan from the internet when it is wished for.

import { element } from "../elements.js";
import { explained, post } from "../requests.js";
import { LEVEL_WORDS, PORT_WORDS, privacyNote } from "./words.js";

/** @param {import("./words.js").State} state @returns {HTMLElement[]} */
export function reachability(state) {
  const note = element("p", { id: "runflow-security-privacy", class: "note" }, privacyNote(state));
  const results = element("div", { class: "results", role: "status" });
  const button = /** @type {HTMLButtonElement} */ (
    element(
      "button",
      { type: "button", "aria-describedby": note.id, onclick: () => scan(button, results) },
      "Scan from the internet",
    )
  );
  const listens = state.listens_to.map(({ address, level, reached_by }) =>
    row(level, LEVEL_WORDS[level], `${address}, port ${state.port}: ${reached_by}`),
  );
  const beyond = state.listens_to.some((one) => one.level !== "good");
  const fix = "Started without --listen, it is reached by this machine alone.";
  return [
    element("p", {}, "ComfyUI listens to (its argument --listen):"),
    element("ul", { class: "rows" }, ...listens),
    ...(beyond ? [element("p", { class: "note" }, fix)] : []),
    note,
    button,
    results,
  ];
}

/** @param {HTMLButtonElement} button @param {HTMLElement} results */
async function scan(button, results) {
  if (button.ariaDisabled) return; // not `disabled`, which would lose the focus
  button.ariaDisabled = "true";
  results.setAttribute("aria-busy", "true");
  results.replaceChildren(element("p", {}, "Scanning; this takes up to half a minute …"));
  try {
    results.replaceChildren(...found(await post("/port-scan")));
  } catch (error) {
    results.replaceChildren(element("p", { class: "bad" }, explained(error)));
  } finally {
    results.removeAttribute("aria-busy");
    button.ariaDisabled = null;
  }
}

/** @param {any} told @returns {HTMLElement[]} */
function found({ public_address, asked, ports, problems }) {
  const rows = ports.map((/** @type {{port: number, state: string}} */ { port, state }) => {
    const { word, level } = PORT_WORDS[state] ?? PORT_WORDS.unknown;
    return row(level, word, `Port ${port}`);
  });
  const address = public_address && `Public address: ${public_address} (says ${asked})`;
  return [
    ...(address ? [element("p", {}, address)] : []),
    element("ul", { class: "rows" }, ...rows),
    ...problems.map((/** @type {string} */ one) => element("p", { class: "unclear" }, one)),
  ];
}

/** @param {string} level @param {string} word @param {string} text */
const row = (level, word, text) =>
  element("li", {}, element("span", { class: `badge ${level}` }, word), element("span", {}, text));
