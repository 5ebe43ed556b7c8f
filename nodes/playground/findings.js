// What is wrong, as a list: message, node, what to do.

import { coded, element } from "./elements.js";

/** @param {import("./requests.js").Finding} finding */
function row(finding) {
  const { node, title, class_type } = finding.where ?? {};
  const name = title && title !== class_type ? `“${title}”` : (class_type ?? "");
  return element(
    "li",
    { class: `finding ${finding.severity ?? "error"}` },
    element("strong", {}, `${finding.severity ?? "error"}: `),
    element("span", {}, ...coded(finding.message)),
    node && element("span", { class: "at" }, `node ${node} ${name}`),
    ...(finding.also ?? []).map((one) => element("span", { class: "at" }, ...coded(`${one.label} ${one.text}`))),
    finding.fix && element("span", { class: "fix" }, ...coded(finding.fix)),
  );
}

/** @param {import("./requests.js").Finding[]} findings */
export function findingList(findings) {
  return findings.length ? element("ul", { class: "findings" }, ...findings.map(row)) : null;
}

/** Errors in the open, the rest behind a line that opens.
 * @param {HTMLElement} place @param {import("./requests.js").Finding[]} findings */
export function showFindings(place, findings) {
  const errors = findings.filter((one) => one.severity === "error");
  const others = findings.filter((one) => one.severity !== "error");
  const summary = `${others.length} ${others.length === 1 ? "remark" : "remarks"} on the workflow`;
  place.replaceChildren(
    ...[
      findingList(errors),
      others.length
        ? element("details", {}, element("summary", {}, summary), findingList(others))
        : null,
    ].filter((one) => one !== null),
  );
}
