// Dialogs over everything, which keep the keys from the editor; and a question to the user in one.

import { coded, element } from "./elements.js";
import { style } from "./style.js";

const KEYS = ["keydown", "keyup", "keypress", "paste", "copy", "cut"];

const stop = (/** @type {Event} */ event) => event.stopPropagation();

// The focus falls out of a dialog when the button that has it is taken away or disabled. What is
// typed then is not meant for the editor either.
for (const name of KEYS) {
  const hold = (/** @type {Event} */ event) => {
    const open = /** @type {NodeListOf<HTMLDialogElement>} */ (
      document.querySelectorAll("dialog.runflow[open]")
    );
    const inside = event.target instanceof Element && event.target.closest("dialog");
    if (!open.length || inside) return;
    event.stopPropagation();
    open[open.length - 1].focus();
  };
  window.addEventListener(name, hold, { capture: true });
}

/**
 * A dialog, to be shown with `show`; closed, it leaves the page.
 * @param {{class: string, "aria-labelledby": string}} properties
 * @param {...Node} children
 * @returns {HTMLDialogElement}
 */
export function dialogOf(properties, ...children) {
  const dialog = /** @type {HTMLDialogElement} */ (
    // A click on its text must not move the focus out of it, to the editor and its keys.
    element("dialog", { ...properties, tabIndex: -1 }, ...children)
  );
  dialog.classList.add("runflow");
  // The editor would take the keys for its own, and close the settings below.
  for (const name of KEYS) dialog.addEventListener(name, stop);
  dialog.addEventListener("close", () => dialog.open || dialog.remove());
  return dialog;
}

/** The head of a dialog: its title, where the focus begins, and a cross.
 * @param {string} id of the title @param {string} title */
export function dialogHead(id, title) {
  const cross = element(
    "button",
    {
      type: "button",
      class: "close",
      "aria-label": "Close",
      onclick: () => cross.closest("dialog")?.close(),
    },
    "✕",
  );
  const head = { role: "presentation" }; // of a dialog, not a page's
  return element("header", head, element("h2", { id, tabIndex: -1, autofocus: true }, title), cross);
}

/** Show it over everything, if it is not shown yet. @param {HTMLDialogElement} dialog @param {...URL} sheets */
export async function show(dialog, ...sheets) {
  await style(...sheets);
  if (dialog.open) return;
  document.body.append(dialog);
  dialog.showModal();
}

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
export function ask({ title, lines, fields = [], choices }) {
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
      ...lines.map((line) => element("p", {}, ...coded(line))),
      ...inputs.map((one, index) => labelled(one, fields[index])),
      element(
        "footer",
        { role: "presentation" },
        ...choices.map((one) => button(one, one === primary, take)),
      ),
    );
    const dialog = dialogOf(
      { class: "runflow-dialog", "aria-labelledby": "runflow-question" },
      form,
    );
    dialog.addEventListener("close", () => {
      for (const one of inputs) one.value = "";
      resolve(answer);
    });
    show(dialog);
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
