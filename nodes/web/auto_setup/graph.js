// The graph in the editor, and what of it the editor cannot show.

import { app } from "../../../scripts/app.js";

/**
 * The graph as it is saved, and the types in it that the editor cannot show.
 * @returns {{graph: any, unknown: string[]}}
 */
export function shownGraph() {
  const graph = (app.rootGraph ?? app.graph).serialize();
  const known = /** @type {any} */ (window).LiteGraph.registered_node_types;
  const holders = [graph, ...(graph.definitions?.subgraphs ?? [])];
  const types = holders.flatMap((one) => one.nodes ?? []).map((node) => node.type);
  return { graph, unknown: [...new Set(types)].filter((type) => !(type in known)) };
}
