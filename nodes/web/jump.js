// Showing the node that a finding is about, inside of subgraphs too.

import { app } from "../../scripts/app.js";

/**
 * Centre and select a node; false when the graph does not have it.
 * @param {string} id as a prompt has it: 7, or 57:8 for node 8 in the subgraph of node 57
 */
export function jumpTo(id) {
  const path = String(id).split(":");
  const canvas = app.canvas;
  let graph = app.rootGraph ?? app.graph;
  for (const step of path.slice(0, -1)) {
    const inner = find(graph, step)?.subgraph;
    if (!inner) break; // a group node: the node that stands for it
    graph = inner;
  }
  const node = find(graph, path[path.length - 1]) ?? find(graph, path[0]);
  if (!node) return false;
  if (canvas.graph !== graph) canvas.setGraph?.(graph);
  canvas.deselectAll?.();
  canvas.selectNode(node);
  canvas.centerOnNode(node);
  canvas.setDirty(true, true);
  return true;
}

/** @param {any} graph @param {string} id */
const find = (graph, id) =>
  graph.getNodeById(id) ?? graph.nodes.find((/** @type {any} */ one) => String(one.id) === id);
