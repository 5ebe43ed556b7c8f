// The panel: a dialog over everything, with the password and with who can reach ComfyUI.

import { dialogHead, dialogOf, show } from "../dialog.js";
import { element } from "../elements.js";
import { explained, get } from "../requests.js";
import { passwordForms } from "./password.js";
import { reachability } from "./reachability.js";
import { advice, stateText } from "./words.js";

export const STYLE = new URL("./security.css", import.meta.url);

/** @type {HTMLDialogElement | null} */
let shown = null;

/** Show the panel; resolves when it is closed. @returns {Promise<void>} */
export async function openPanel() {
  if (shown) return;
  const id = "runflow-security-title";
  const body = element("div", { class: "runflow-security-body" });
  const dialog = dialogOf(
    { class: "runflow-security", "aria-labelledby": id },
    dialogHead(id, "Security"),
    body,
  );
  shown = dialog;
  const closed = new Promise((resolve) => dialog.addEventListener("close", resolve));
  await show(dialog, STYLE);
  fill(body);
  await closed;
  shown = null;
}

/** @param {HTMLElement} body */
async function fill(body) {
  /** @type {import("./words.js").State} */
  let state;
  try {
    state = await get("/security");
  } catch (error) {
    body.replaceChildren(element("p", { class: "bad", role: "alert" }, explained(error)));
    return;
  }
  const level = state.password === "on" && !state.out_of_order ? "good" : "unclear";
  const more = advice(state);
  body.replaceChildren(
    element(
      "section",
      { "aria-labelledby": "runflow-security-password" },
      element("h3", { id: "runflow-security-password" }, "Password"),
      element("p", { class: `state ${level}`, role: "status" }, stateText(state)),
      more && element("p", { class: "advice" }, more),
      ...passwordForms(state, () => fill(body)),
    ),
    element(
      "section",
      { "aria-labelledby": "runflow-security-reach" },
      element("h3", { id: "runflow-security-reach" }, "Who can reach this ComfyUI"),
      ...reachability(state),
    ),
  );
}
