// One finding: what is wrong, where, and how to mend it; a click shows the node.

import { coded, element } from "../elements.js";
import { jumpTo } from "../jump.js";

const USED_BY = "used by"; // label of a row that names a node: `workflow.json, node 12 "Load" (…`
const NODE = /, node (\S+)(?: |,|$)/;
const SIGNS = { error: "Error", warning: "Warning", note: "Note" };

/** @param {any} finding @returns {HTMLElement} */
export function findingLine({ code, severity, message, where = {}, fix, also = [] }) {
  const kind = /** @type {"error"} */ (severity ?? "error");
  const place = [where.file, where.line, where.column].filter(Boolean).join(":");
  return element(
    "li",
    { "data-severity": kind, "data-code": code },
    element("p", {}, element("strong", {}, `${SIGNS[kind] ?? kind}: `), ...coded(message)),
    showNode(where.node, nodeName(where)),
    ...also.flatMap((/** @type {{label: string, text: string}} */ { label, text }) => [
      element("p", { class: "also" }, ...coded(`${label}: ${text}`)),
      label === USED_BY && showNode(NODE.exec(text)?.[1]),
    ]),
    fix && element("p", { class: "fix" }, ...coded(`→ ${fix}`)),
    element("small", {}, [code, place].filter(Boolean).join(" · ")),
  );
}

/** @param {string} [id] @param {string} [name] */
function showNode(id, name = `node ${id}`) {
  return id && element("button", { type: "button", onclick: () => jumpTo(id) }, `Show ${name}`);
}

/** @param {any} where */
function nodeName({ node, title, class_type, field }) {
  const name = title || class_type || "";
  const text = name ? `${name} (node ${node})` : `node ${node}`;
  return field ? `${text}, ${field}` : text;
}
