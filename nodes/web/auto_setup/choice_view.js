// The plan as the user sees it: two boxes for all of a kind, and a row for each thing.

import { element } from "../elements.js";
import { canBeDone } from "./choice.js";
import { rowView } from "./row_view.js";

const KINDS = [
  { kind: "pack", title: "Node packs" },
  { kind: "model", title: "Models" },
];

/**
 * @param {import("./choice.js").Choice} choice
 * @param {() => void} changed called after each change
 * @param {() => void} leave called before the editor shows a node
 * @returns {HTMLElement}
 */
export function choiceView(choice, changed, leave) {
  /** @type {(() => void)[]} */
  const updates = [];
  const update = () => {
    for (const one of updates) one();
    changed();
  };
  const sections = KINDS.filter(({ kind }) => choice.of(kind).length).map(({ kind, title }) => {
    const rows = choice.of(kind);
    const doable = rows.filter(canBeDone);
    const box = /** @type {HTMLInputElement} */ (
      element("input", {
        type: "checkbox",
        hidden: !doable.length,
        onchange: () => {
          choice.chooseAll(kind, box.checked);
          update();
        },
      })
    );
    updates.push(() => {
      const count = doable.filter((row) => choice.chosen.has(row.id)).length;
      box.checked = count > 0;
      box.indeterminate = count > 0 && count < doable.length;
    });
    const views = rows.map((row) => rowView(row, choice, update, leave));
    updates.push(...views.map((one) => one.update));
    return element(
      "section",
      { class: "rf-kind" },
      element("h3", {}, element("label", {}, box, ` ${title} (${rows.length})`)),
      element("ul", { class: "rf-rows" }, ...views.map((one) => one.root)),
    );
  });
  for (const one of updates) one();
  return element("div", {}, ...sections);
}
