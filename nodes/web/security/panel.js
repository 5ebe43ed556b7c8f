// The panel: a dialog over everything, with the password and with who can reach ComfyUI.

import { element } from "../elements.js";
import { get } from "../requests.js";
import { style } from "../style.js";
import { passwordForms } from "./password.js";
import { reachability } from "./reachability.js";
import { advice, stateText } from "./words.js";

export const STYLE = new URL("./security.css", import.meta.url);

/** Show the panel; resolves when it is closed. @returns {Promise<void>} */
export async function openPanel() {
  if (document.querySelector("dialog.runflow-security")) return;
  await style(STYLE);
  const title = element("h2", { id: "runflow-security-title", tabIndex: -1 }, "Security");
  const body = element("div", { class: "runflow-security-body" });
  const dialog = /** @type {HTMLDialogElement} */ (
    element(
      "dialog",
      // A click on its text must not move the focus out of it, to the editor and its keys.
      { class: "runflow-security", "aria-labelledby": title.id, tabIndex: -1 },
      element(
        "header",
        {},
        title,
        element(
          "button",
          { type: "button", class: "close", "aria-label": "Close", onclick: () => dialog.close() },
          "✕",
        ),
      ),
      body,
    )
  );
  // Keys are the dialog's: the editor would take them for its own, and close the settings below.
  for (const event of ["keydown", "keyup", "keypress", "paste", "copy"]) {
    dialog.addEventListener(event, (one) => one.stopPropagation());
  }
  document.body.append(dialog);
  dialog.showModal();
  title.focus();
  await fill(body);
  if (dialog.open) await new Promise((closed) => dialog.addEventListener("close", closed));
  dialog.remove();
}

/** @param {HTMLElement} body */
async function fill(body) {
  /** @type {import("./words.js").State} */
  let state;
  try {
    state = await get("/security");
  } catch (error) {
    const message = /** @type {Error} */ (error).message;
    body.replaceChildren(element("p", { class: "bad", role: "alert" }, message));
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
