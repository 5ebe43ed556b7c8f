// A question to the user, over everything: fields to fill in, and a choice of buttons.

import { element } from "./elements.js";
import { style } from "./style.js";

const KEYS = ["keydown", "keyup", "keypress", "paste", "copy", "cut"];

/**
 * @typedef {{label: string, value: string, primary?: boolean, needs?: string}} Choice
 *   `needs`: the name of a field that must hold something
 * @typedef {{name: string, label: string, type?: string, value?: string, hint?: string}} Field
 */

/**
 * Ask; resolves with the choice and what stands in the fields, null when it was closed.
 * @param {{title: string, lines: string[], fields?: Field[], choices: Choice[]}} question
 * @returns {Promise<{choice: string, values: Record<string, string>} | null>}
 */
export async function ask({ title, lines, fields = [], choices }) {
  await style(new URL("./dialog.css", import.meta.url));
  const inputs = fields.map((one) => input(one));
  return new Promise((resolve) => {
    /** @type {any} */
    let answer = null;
    const take = (/** @type {Choice} */ one) => {
      const values = Object.fromEntries(inputs.map((each) => [each.name, each.value]));
      if (one.needs && !values[one.needs].trim()) {
        inputs.find((each) => each.name === one.needs)?.focus();
        return;
      }
      answer = { choice: one.value, values };
      dialog.close();
    };
    const primary = choices.find((one) => one.primary) ?? choices[0];
    const form = element(
      "form",
      {
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          take(primary);
        },
      },
      element("h2", { id: "runflow-question" }, title),
      ...lines.map((line) => element("p", {}, line)),
      ...inputs.map((one, index) => labelled(one, fields[index])),
      element("footer", {}, ...choices.map((one) => button(one, one === primary, take))),
    );
    const dialog = /** @type {HTMLDialogElement} */ (
      element("dialog", { class: "runflow-dialog", "aria-labelledby": "runflow-question" }, form)
    );
    // Keys are the dialog's: the editor would take them for its own.
    for (const name of KEYS) dialog.addEventListener(name, (event) => event.stopPropagation());
    dialog.addEventListener("close", () => {
      for (const one of inputs) one.value = "";
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** @param {Field} field @returns {HTMLInputElement} */
function input({ name, type = "text", value = "" }) {
  const made = /** @type {HTMLInputElement} */ (
    element("input", { id: `runflow-field-${name}`, name, type, value })
  );
  made.autocomplete = type === "password" ? "new-password" : "off";
  made.spellcheck = false;
  return made;
}

/** @param {HTMLInputElement} one @param {Field} field */
function labelled(one, field) {
  const hint = field.hint ? element("small", { id: `${one.id}-hint` }, field.hint) : null;
  if (hint) one.setAttribute("aria-describedby", hint.id);
  const label = /** @type {HTMLLabelElement} */ (element("label", {}, field.label));
  label.htmlFor = one.id;
  return element("div", { class: "field" }, label, one, hint);
}

/** @param {Choice} one @param {boolean} primary @param {(one: Choice) => void} take */
function button(one, primary, take) {
  const made = element("button", { type: primary ? "submit" : "button" }, one.label);
  if (primary) made.classList.add("primary");
  else made.addEventListener("click", () => take(one));
  return made;
}
