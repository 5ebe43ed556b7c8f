// One finding: what is wrong, where, and how to mend it; a click shows the node.

import { element } from "../elements.js";
import { jumpTo } from "../jump.js";

const SIGNS = { error: "Error", warning: "Warning", note: "Note" };

/** @param {any} finding @returns {HTMLElement} */
export function findingLine({ code, severity, message, where = {}, fix, also = [] }) {
  const kind = /** @type {"error"} */ (severity ?? "error");
  const place = [where.file, where.line, where.column].filter(Boolean).join(":");
  const node = where.node && nodeName(where);
  return element(
    "li",
    { "data-severity": kind, "data-code": code },
    element("p", {}, element("strong", {}, `${SIGNS[kind] ?? kind}: `), message),
    node &&
      element("button", { type: "button", onclick: () => jumpTo(where.node) }, `Show ${node}`),
    ...also.map((/** @type {any} */ row) => element("p", { class: "also" }, `${row.label}: ${row.text}`)),
    fix && element("p", { class: "fix" }, `→ ${fix}`),
    element("small", {}, [code, place].filter(Boolean).join(" · ")),
  );
}

/** @param {any} where */
function nodeName({ node, title, class_type, field }) {
  const name = title || class_type || "";
  const text = name ? `${name} (node ${node})` : `node ${node}`;
  return field ? `${text}, ${field}` : text;
}
