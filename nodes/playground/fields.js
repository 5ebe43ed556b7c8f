// The controls of texts, choices, numbers and switches. A control holds a JSON text, or nothing.

import { element } from "./elements.js";
import { limitsText, numberText, stepped } from "./numbers.js";

/**
 * A row of the form, as the server describes it; values and limits are JSON texts.
 * @typedef {{id: string, label: string, help: string | null, type: string, required: boolean,
 *   multiline: boolean, choices: string[] | null, minimum: string | null, maximum: string | null,
 *   step: string | null, value: string | null, from: string, wired: boolean}} Row
 *
 * @typedef {{
 *   element: HTMLElement,
 *   main: HTMLElement,
 *   read: () => string | null,
 *   show: (value: string | null) => void,
 *   hint?: string,
 *   stop?: () => void,
 *   pending?: () => Promise<unknown>,
 *   take?: (files: FileList | File[]) => void,
 * }} Control `main` is what the label belongs to
 */

/** @param {Row} row @param {string} id @param {() => void} touched @returns {Control} */
export function textControl(row, id, touched) {
  const multiline = row.multiline;
  const box = /** @type {HTMLTextAreaElement} */ (
    element(multiline ? "textarea" : "input", {
      id,
      oninput: touched,
      ...(multiline ? { rows: 4 } : { type: "text", autocomplete: "off" }),
    })
  );
  return {
    element: box,
    main: box,
    read: () => JSON.stringify(box.value),
    show: (value) => {
      box.value = value === null ? "" : String(JSON.parse(value));
    },
  };
}

/** @param {Row} row @param {string} id @param {() => void} touched @returns {Control} */
export function choiceControl(row, id, touched) {
  const nothing = element("option", { value: "" }, row.required ? "Choose…" : "Left out");
  const options = (row.choices ?? []).map((one, place) =>
    element("option", { value: String(place) }, one),
  );
  const box = /** @type {HTMLSelectElement} */ (
    element("select", { id, onchange: touched }, nothing, ...options)
  );
  return {
    element: box,
    main: box,
    read: () => (box.value === "" ? null : JSON.stringify(row.choices?.[Number(box.value)])),
    show: (value) => {
      const place = value === null ? -1 : (row.choices ?? []).indexOf(JSON.parse(value));
      box.value = place < 0 ? "" : String(place);
    },
  };
}

/** A text box for numbers, because a number box hides what is no number; with a slider where both
 * ends are known.
 * @param {Row} row @param {string} id @param {() => void} touched @returns {Control} */
export function numberControl(row, id, touched) {
  const isWhole = row.type === "INT";
  const mayBeNegative = row.minimum === null || Number(row.minimum) < 0;
  const box = /** @type {HTMLInputElement} */ (
    element("input", {
      id,
      type: "text",
      class: "number",
      autocomplete: "off",
      inputMode: mayBeNegative ? "text" : isWhole ? "numeric" : "decimal",
      oninput: () => changed(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
        if (!direction) return;
        event.preventDefault();
        box.value = stepped(box.value, direction, row);
        changed();
      },
    })
  );
  const slider = sliderOf(row, (value) => {
    box.value = value;
    changed();
  });
  const follow = () => {
    if (!slider) return;
    const text = numberText(box.value);
    slider.value = (text?.startsWith('"') ? null : text) ?? row.minimum ?? "0";
  };
  const changed = () => {
    follow();
    touched();
  };
  if (row.value !== null && !row.required) box.placeholder = row.value;
  return {
    element: slider ? element("div", { class: "with-slider" }, slider, box) : box,
    main: box,
    read: () => numberText(box.value),
    show: (value) => {
      box.value = value ?? "";
      follow();
    },
    hint: limitsText(row),
  };
}

/** @param {Row} row @param {(value: string) => void} moved */
function sliderOf(row, moved) {
  const { minimum, maximum } = row;
  if (minimum === null || maximum === null) return null;
  const range = Number(maximum) - Number(minimum);
  if (!(range > 0) || range > 1e6) return null;
  const slider = /** @type {HTMLInputElement} */ (
    element("input", {
      type: "range",
      min: minimum,
      max: maximum,
      step: row.step ?? (row.type === "INT" ? "1" : "any"),
      oninput: () => moved(slider.value),
      "aria-label": `${row.label}, as a slider`,
    })
  );
  return slider;
}

/** @param {Row} row @param {string} id @param {() => void} touched @returns {Control} */
export function switchControl(row, id, touched) {
  const box = /** @type {HTMLInputElement} */ (
    element("input", { id, type: "checkbox", class: "switch", role: "switch", onchange: touched })
  );
  return {
    element: box,
    main: box,
    read: () => String(box.checked),
    show: (value) => {
      box.checked = value === "true";
    },
  };
}
