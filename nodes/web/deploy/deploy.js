// Deploying from the editor: the node with its buttons.

import { prepare } from "./node.js";

/** @type {import("../runflow.js").Feature} */
export const deployment = { nodeCreated: prepare };
