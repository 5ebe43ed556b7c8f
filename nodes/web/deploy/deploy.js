// Deploying from the editor: the node with its buttons, and what a page that was reloaded goes on with.

import { resume } from "./actions.js";
import { prepare } from "./node.js";

let isFirst = true; // graph that this page shows

/** @type {import("../runflow.js").Feature} */
export const deployment = {
  nodeCreated: prepare,
  afterConfigureGraph() {
    if (isFirst) resume();
    isFirst = false;
  },
};
