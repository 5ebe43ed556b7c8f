// The installation as the user sees it: a bar of bytes, a bar of packs, a row for each thing.

import { element } from "../elements.js";
import { findingsView } from "./row_view.js";
import { sizeText } from "./texts.js";

const STATES = {
  waiting: "waiting",
  running: "at work",
  done: "installed ✓",
  failed: "failed",
  stopped: "stopped",
};

/**
 * @param {import("./course.js").Course} course
 * @returns {{root: HTMLElement, update: () => void}}
 */
export function courseView(course) {
  const packs = course.rows.filter((row) => row.kind === "pack").length;
  const models = course.rows.length - packs;
  const packBar = bar("Node packs");
  const modelBar = bar("Models");
  const rows = course.rows.map((row) => rowView(row, course));
  const update = () => {
    const done = course.count("pack", "done");
    packBar.set(done / (packs || 1), `${done} of ${packs}`);
    const { part, text } = course.bytes();
    modelBar.set(part, text);
    for (const one of rows) one.update();
  };
  update();
  return {
    root: element(
      "div",
      {},
      models > 0 && modelBar.root,
      packs > 0 && packBar.root,
      element("ul", { class: "rf-rows" }, ...rows.map((one) => one.root)),
    ),
    update,
  };
}

/** @param {string} label */
function bar(label) {
  const progress = /** @type {HTMLProgressElement} */ (
    element("progress", { max: 1, "aria-label": label })
  );
  const text = element("span", { class: "rf-size" });
  return {
    root: element("div", { class: "rf-bar" }, element("span", {}, label), progress, text),
    set(/** @type {number | null} */ part, /** @type {string} */ words) {
      if (part === null) progress.removeAttribute("value");
      else progress.value = Math.min(part, 1);
      text.textContent = words;
    },
  };
}

function rowView(row, course) {
  const badge = element("span", { class: "rf-badge" });
  const size = element("span", { class: "rf-size" });
  const line = element("div", { class: "rf-dim rf-line" });
  const findings = element("div");
  const progress = /** @type {HTMLProgressElement} */ (
    element("progress", { max: 1, "aria-label": row.name })
  );
  let shown = "";
  const root = element(
    "li",
    { class: "rf-row", "data-row": row.id },
    element(
      "div",
      {},
      element("div", { class: "rf-head" }, element("strong", {}, row.name), badge, size),
      progress,
      line,
      findings,
    ),
  );
  return {
    root,
    update() {
      const now = course.of[row.id];
      badge.textContent = STATES[now.status] ?? now.status;
      line.textContent = now.line;
      progress.hidden = now.status !== "running";
      if (row.size) progress.value = Math.min(1, now.received / row.size);
      else progress.removeAttribute("value");
      size.textContent = row.kind === "model" && now.received ? sizeText(now.received) : "";
      root.className = `rf-row rf-is-${now.status}`;
      if (shown !== now.status) findings.replaceChildren(findingsView(now.findings));
      shown = now.status;
    },
  };
}
