// What is looked at: the graph in the editor, or a prompt that the editor refuses to show.

import { app } from "../../../scripts/app.js";

/**
 * The graph as it is saved, and the types in it that the editor cannot show.
 * @returns {{graph: any, unknown: string[]}}
 */
export function shownGraph() {
  const graph = (app.rootGraph ?? app.graph).serialize();
  const holders = [graph, ...(graph.definitions?.subgraphs ?? [])];
  const types = holders.flatMap((one) => one.nodes ?? []).map((node) => node.type);
  return { graph, unknown: unknownOf(types) };
}

/**
 * Hear of each prompt (a workflow in "API format") that the editor refuses to show, because it has
 * not all of its node types: the graph that stays is another one.
 * @param {(asked: {prompt: any, unknown: string[]}) => void} heard
 */
export function hearOfRefused(heard) {
  const host = /** @type {any} */ (app);
  const load = host.loadApiJson;
  if (!load) return;
  host.loadApiJson = function (/** @type {any} */ prompt, /** @type {any[]} */ ...more) {
    const nodes = /** @type {any[]} */ (Object.values(prompt ?? {}));
    const unknown = unknownOf(nodes.map((node) => node?.class_type).filter(Boolean));
    const answer = load.call(this, prompt, ...more);
    if (unknown.length) heard({ prompt, unknown });
    return answer;
  };
}

/** @param {string[]} types those of them that the editor does not have, each once */
function unknownOf(types) {
  const known = /** @type {any} */ (window).LiteGraph.registered_node_types;
  return [...new Set(types)].filter((type) => !(type in known));
}
