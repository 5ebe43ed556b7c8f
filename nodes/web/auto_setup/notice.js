// A notice that nodes of the loaded workflow are missing, with the way to Auto setup.

import { element } from "../elements.js";
import { style } from "../style.js";

export const STYLE = new URL("./auto_setup.css", import.meta.url);
const SHOWN_MS = 30_000;

/** @type {HTMLElement | null} */
let notice = null;

export function dismissNotice() {
  notice?.remove();
  notice = null;
}

/**
 * Show it, or take it away where nothing is missing.
 * @param {number} count node types that the editor does not have
 * @param {() => void} open
 */
export function notifyOfMissing(count, open) {
  dismissNotice();
  if (!count) return;
  style(STYLE);
  const one = element(
    "div",
    { class: "runflow beside rf-notice", role: "status" },
    element(
      "p",
      {},
      `${count} node ${count === 1 ? "type" : "types"} of this workflow ` +
        `${count === 1 ? "is" : "are"} not installed.`,
    ),
    element(
      "div",
      { class: "rf-buttons" },
      element("button", { type: "button", onclick: dismissNotice }, "Dismiss"),
      element(
        "button",
        {
          type: "button",
          class: "primary",
          onclick: open,
        },
        "Auto setup",
      ),
    ),
  );
  notice = one;
  document.body.append(one);
  setTimeout(() => one.remove(), SHOWN_MS);
}
