// The Runflow Deploy node: widgets, buttons, and a key that does not stay on it.

import { app } from "../../../scripts/app.js";
import { askForKey, offerKey } from "../connection/keys.js";
import { nameProblem, slugOf } from "../slug.js";
import { CLASS, deploy, openPlayground, saveFiles, wishOf } from "./actions.js";

const KEY = "api_key";
const PRIVATE = 2; // its position among the saved values

/** @param {any} node */
export function prepare(node) {
  if ((node.comfyClass ?? node.type) !== CLASS) return;
  node.isVirtualNode = true; // in no prompt
  const widget = (/** @type {string} */ name) =>
    node.widgets?.find((/** @type {any} */ one) => one.name === name);
  const [name, host, key] = ["endpoint_name", "host", KEY].map(widget);
  if (!name || !host || !key) return;
  keepEmpty(node, host);
  const button = addButton(node, "Deploy", () => deploy(wishOf(node)));
  addButton(node, "Save as files", () => saveFiles(wishOf(node)));
  addButton(node, "Playground", () => openPlayground(wishOf(node)));
  const relabel = () => {
    button.label = nameProblem(name.value ?? "") ? "Deploy" : `Deploy as ${slugOf(name.value)}`;
    app.canvas?.setDirty(true, true);
  };
  chain(name, "callback", relabel);
  chain(node, "onConfigure", relabel);
  relabel();
}

/**
 * In place of the text a button, which asks for a key where nobody reads what is typed. Whatever else
 * puts a key there, a workflow that is loaded or a script, it is taken out at once, before anything
 * can save the node.
 * @param {any} node @param {any} host
 */
function keepEmpty(node, host) {
  let asking = false;
  const once = async (/** @type {() => Promise<unknown>} */ question) => {
    if (asking) return;
    asking = true;
    await question().finally(() => (asking = false));
  };
  const take = (/** @type {string} */ key, /** @type {boolean} */ loaded) => {
    const why = loaded
      ? "This workflow has an API key in its Runflow Deploy node. Keep it only if it is yours."
      : "An API key was typed into the Runflow Deploy node.";
    return once(() => offerKey(key, { url: host.value, why }));
  };
  const button = node.addWidget("button", KEY, "", (/** @type {unknown} */ put) => {
    if (typeof put !== "string") once(() => askForKey(host.value)); // else a script's, of its value
  });
  button.label = "api_key (kept in the settings)";
  Object.defineProperty(button, "value", {
    configurable: true,
    enumerable: true,
    get: () => "",
    set(/** @type {unknown} */ value) {
      const loaded = app.configuringGraph ?? false;
      // After the node has its other values, so that the key is offered for the host beside it.
      if (typeof value === "string" && value.trim()) queueMicrotask(() => take(value.trim(), loaded));
    },
  });
  button.serializeValue = () => "";
  node.widgets.splice(PRIVATE, 1, node.widgets.pop());
  // Nothing can be wired to it: a node beside it, or the frame of a subgraph, would save the key.
  const unwire = () => {
    const slot = node.findInputSlot(KEY);
    if (slot < 0) return;
    const { link } = node.inputs[slot];
    const frame = node.graph?.inputNode?.slots.find((/** @type {any} */ one) => one.linkIds.includes(link));
    node.removeInput(slot);
    if (frame && !frame.linkIds.length) node.graph.removeInput(frame);
  };
  unwire();
  chain(node, "onConfigure", () => queueMicrotask(unwire)); // when the rest of the graph is there
  chain(node, "onSerialize", (/** @type {any} */ saved) => {
    if (Array.isArray(saved.widgets_values)) saved.widgets_values[PRIVATE] = "";
  });
}

/** @param {any} node @param {string} label @param {() => void} act */
function addButton(node, label, act) {
  const button = node.addWidget("button", label, null, act, { serialize: false });
  button.serialize = false;
  return button;
}

/** Call `more` after what is there. @param {any} on @param {string} name @param {Function} more */
function chain(on, name, more) {
  const former = on[name];
  on[name] = function (/** @type {any[]} */ ...args) {
    const result = former?.apply(this, args);
    more(...args);
    return result;
  };
}
