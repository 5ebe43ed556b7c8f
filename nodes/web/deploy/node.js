// The Runflow Deploy node: widgets, buttons, and a key that does not stay on it.

import { app } from "../../../scripts/app.js";
import { askForKey, hostOf, offerKey, state } from "../connection/keys.js";
import { nameProblem, slugOf } from "../slug.js";
import { deploy, openPlayground, saveFiles } from "./actions.js";

const CLASS = "RunflowDeploy";
const PRIVATE = 2; // position of api_key among the saved values

/** @param {any} node */
export function prepare(node) {
  if ((node.comfyClass ?? node.type) !== CLASS) return;
  node.isVirtualNode = true; // in no prompt
  const widget = (/** @type {string} */ name) =>
    node.widgets?.find((/** @type {any} */ one) => one.name === name);
  const [name, host, key] = ["endpoint_name", "host", "api_key"].map(widget);
  if (!name || !host || !key) return;
  keepEmpty(node, key, host);
  const settings = () => ({ node, name: String(name.value ?? ""), host: String(host.value ?? "") });
  const button = addButton(node, "Deploy", () => deploy(settings()));
  addButton(node, "Save as files", () => saveFiles(settings()));
  addButton(node, "Playground", () => openPlayground(settings()));
  const relabel = () => {
    button.label = nameProblem(name.value ?? "") ? "Deploy" : `Deploy as ${slugOf(name.value)}`;
    app.canvas?.setDirty(true, true);
  };
  chain(name, "callback", relabel);
  chain(node, "onConfigure", relabel);
  relabel();
}

/**
 * Whatever is put into the widget is taken out at once, before anything can save the node: by a
 * person who types, by a workflow that was loaded, by a script.
 * @param {any} node @param {any} widget @param {any} host
 */
function keepEmpty(node, widget, host) {
  let asking = false;
  const take = async (/** @type {string} */ key, /** @type {boolean} */ typed) => {
    if (asking) return;
    asking = true;
    const why = typed
      ? "An API key was typed into the Runflow Deploy node."
      : "This workflow has an API key in its Runflow Deploy node. Keep it only if it is yours.";
    await offerKey(key, { url: host.value, why });
    asking = false;
  };
  Object.defineProperty(widget, "value", {
    configurable: true,
    enumerable: true,
    get: () => "",
    set(/** @type {unknown} */ value) {
      const loading = app.configuringGraph ?? false;
      // After the node has its other values, so that the key is offered for the host beside it.
      if (typeof value === "string" && value.trim()) queueMicrotask(() => take(value.trim(), !loading));
    },
  });
  widget.serializeValue = () => "";
  widget.label = "api_key (kept in the settings)";
  // A field that hides what is typed, in place of the canvas's own.
  widget.onPointerDown = (/** @type {any} */ pointer) => {
    pointer.onClick = async () => {
      const known = await state().catch(() => null);
      const url = host.value || known?.url || "";
      await askForKey(url, host.value ? hostOf(host.value) : (known?.host ?? ""));
    };
    return true;
  };
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
