// A mark of what a graph does: another one when anything but its looks has changed. Pure.

const LOOKS = new Set([
  ...["pos", "size", "order", "flags", "color", "bgcolor", "shape", "title_mode", "boxcolor"],
  ...["extra", "groups", "bounding", "config", "revision", "version", "state", "floatingLinks"],
  ...["last_node_id", "last_link_id", "lastRerouteId", "showAdvanced", "ver"],
]);
const NO_PART = new Set(["RunflowDeploy", "Note", "MarkdownNote"]); // in no prompt

/** @param {any} graph as the editor saves it @returns {string} */
export function markOf(graph) {
  const text = JSON.stringify(graph, (key, value) => {
    if (LOOKS.has(key)) return undefined;
    if (Array.isArray(value) && value.every((one) => one?.id !== undefined)) {
      // A click on a node moves it to the end.
      return [...value]
        .filter((one) => !NO_PART.has(one.type))
        .sort((one, other) => (String(one.id) < String(other.id) ? -1 : 1));
    }
    return value;
  });
  return hash(text, 1) + hash(text, 2);
}

/** 32 bits as hex, FNV-1a with a seed; no page outside of https:// and this machine has digests.
 * @param {string} text @param {number} seed */
function hash(text, seed) {
  let value = (0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1)) >>> 0;
  for (let place = 0; place < text.length; place += 1) {
    value = Math.imul(value ^ text.charCodeAt(place), 0x01000193) >>> 0;
  }
  return value.toString(16).padStart(8, "0");
}
