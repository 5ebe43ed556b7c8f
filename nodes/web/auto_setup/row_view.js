// A row of the plan: what, from where, how large, why it is needed, what the user has to say yes to.

import { coded, element } from "../elements.js";
import { jumpTo } from "../jump.js";
import { canBeDone } from "./choice.js";

const STATES = {
  missing: "missing",
  update: "another version is there",
  present: "installed",
  refused: "cannot be installed",
  unresolved: "not found",
};
const MOST_NODES = 3;

/**
 * @param {import("./choice.js").Row} row
 * @param {import("./choice.js").Choice} choice
 * @param {() => void} changed
 * @param {() => void} leave
 * @returns {{root: HTMLElement, update: () => void}}
 */
export function rowView(row, choice, changed, leave) {
  const box = /** @type {HTMLInputElement} */ (
    element("input", {
      type: "checkbox",
      hidden: !canBeDone(row),
      "aria-label": `install ${row.name}`,
      onchange: () => {
        choice.choose(row.id, box.checked);
        changed();
      },
    })
  );
  const asks = row.asks.map((ask) => askView(ask, choice, changed));
  const root = element(
    "li",
    { class: `rf-row rf-${row.state}`, "data-row": row.id },
    box,
    element(
      "div",
      {},
      element(
        "div",
        { class: "rf-head" },
        element("strong", {}, row.name),
        element("span", { class: "rf-badge" }, STATES[row.state] ?? row.state),
        row.verified === true && canBeDone(row) && badge("hash known"),
        row.verified === false && canBeDone(row) && badge("unverified", "rf-warn"),
        element("span", { class: "rf-size" }, factsOf(row)),
      ),
      row.source && element("div", { class: "rf-dim rf-source" }, row.source),
      row.note && element("div", { class: "rf-dim" }, row.note),
      nodesView(row, leave),
      packagesView(row),
      ...asks.map((one) => one.root),
      findingsView(row.findings),
    ),
  );
  return {
    root,
    update: () => {
      box.checked = choice.chosen.has(row.id);
      for (const one of asks) one.update();
      root.classList.toggle("rf-waits", box.checked && choice.lacks(row).length > 0);
    },
  };
}

/** @param {any[]} findings @returns {HTMLElement} */
export function findingsView(findings) {
  const items = (findings ?? []).map((one) =>
    element(
      "li",
      { class: `rf-finding rf-${one.severity ?? "error"}` },
      element("div", {}, ...coded(one.message)),
      ...(one.also ?? []).map((/** @type {any} */ row) =>
        element("div", { class: "rf-dim" }, ...coded(`${row.label}: ${row.text}`)),
      ),
      one.fix && element("div", { class: "rf-fix" }, ...coded(`To mend it: ${one.fix}`)),
    ),
  );
  return element("ul", { class: "rf-findings", hidden: !items.length }, ...items);
}

/** @param {import("./choice.js").Row} row */
function factsOf(row) {
  const size = canBeDone(row) && row.kind === "model" ? (row.size_text ?? "size not known") : "";
  return [row.version, size].filter(Boolean).join(" · ");
}

/** @param {string} text */
const badge = (text, more = "") => element("span", { class: `rf-badge ${more}` }, text);

/** @param {import("./choice.js").Ask} ask */
function askView(ask, choice, changed) {
  const box = /** @type {HTMLInputElement} */ (
    element("input", {
      type: "checkbox",
      onchange: () => {
        choice.answer(ask.key, box.checked);
        changed();
      },
    })
  );
  const root = element(
    "div",
    { class: "rf-ask" },
    element("label", {}, box, ` ${ask.text}`, !ask.required && element("em", {}, " (as you like)")),
    ...ask.reasons.map((reason) => element("div", { class: "rf-dim" }, reason)),
  );
  return { root, update: () => (box.checked = choice.yes.has(ask.key)) };
}

/** The nodes that want it; each shows itself in the editor. */
function nodesView(row, leave) {
  if (!row.users.length) return null;
  const shown = row.users.slice(0, MOST_NODES).map((user) =>
    element(
      "button",
      { type: "button", class: "rf-node", onclick: () => showNode(user.node, leave) },
      `${user.title ?? user.class_type} (#${user.node})`,
    ),
  );
  const more = row.users.length - shown.length;
  return element(
    "div",
    { class: "rf-dim" },
    "needed by ",
    ...shown,
    more > 0 && ` and ${more} more`,
  );
}

/** @param {string} id */
function showNode(id, leave) {
  leave();
  jumpTo(id);
}

function packagesView(row) {
  if (row.kind !== "pack" || !canBeDone(row)) return null;
  if (row.changes === undefined)
    return element("div", { class: "rf-dim" }, "Python packages: seen when it is installed");
  if (!row.changes.length) return null;
  return element("div", { class: "rf-dim" }, `Python packages: ${row.changes.join(", ")}`);
}
