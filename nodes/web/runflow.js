// The pack's entry in the editor: one extension, made of a part per feature.

import { app } from "../../scripts/app.js";
import { autoSetup } from "./auto_setup/auto_setup.js";
import { connection } from "./connection/connection.js";
import { deployment } from "./deploy/deploy.js";
import { inputs } from "./inputs/inputs.js";
import { packages } from "./packages/packages.js";
import { playground } from "./playground/playground.js";
import { security } from "./security/security.js";

/**
 * What a feature brings: members of ComfyUI's extension interface, each optional.
 * @typedef {{
 *   settings?: object[],
 *   commands?: object[],
 *   menuCommands?: object[],
 *   setup?: () => void | Promise<void>,
 *   nodeCreated?: (node: any) => void,
 *   afterConfigureGraph?: (missing: any[]) => void,
 * }} Feature
 */

/** @type {Feature[]} */
const features = [packages, connection, deployment, inputs, playground, autoSetup, security];

app.registerExtension({
  name: "runflow",
  settings: features.flatMap((one) => one.settings ?? []),
  commands: features.flatMap((one) => one.commands ?? []),
  menuCommands: features.flatMap((one) => one.menuCommands ?? []),
  async setup() {
    for (const one of features) await one.setup?.();
  },
  nodeCreated(/** @type {any} */ node) {
    for (const one of features) one.nodeCreated?.(node);
  },
  afterConfigureGraph(/** @type {any[]} */ missing) {
    for (const one of features) one.afterConfigureGraph?.(missing);
  },
});
