// What the Runflow Input nodes get in the editor: Choose file, on the one that takes a file.

import { app } from "../../../scripts/app.js";
import { element } from "../elements.js";
import { upload } from "../requests.js";

const CLASS = "RunflowInputFile";
const LABEL = "Choose file";

/** @type {import("../runflow.js").Feature} */
export const inputs = {
  nodeCreated(node) {
    if ((node.comfyClass ?? node.type) !== CLASS) return;
    const name = node.widgets?.find((/** @type {any} */ one) => one.name === "file_name");
    if (!name) return;
    const choose = () => chooseFile((file) => send(file, node, name, button));
    const button = node.addWidget("button", LABEL, null, choose, { serialize: false });
    button.serialize = false; // saved graphs stay as they are without this pack
    node.onDragOver = (/** @type {DragEvent} */ event) =>
      [...(event.dataTransfer?.items ?? [])].some((one) => one.kind === "file");
    node.onDragDrop = (/** @type {DragEvent} */ event) => {
      const [file] = event.dataTransfer?.files ?? [];
      if (file) send(file, node, name, button);
      return Boolean(file);
    };
  },
};

/** @type {HTMLInputElement} held while its dialog is open, since it stands in no page */
let picker;

/** @param {(file: File) => void} chosen */
function chooseFile(chosen) {
  picker = /** @type {HTMLInputElement} */ (element("input", { type: "file" }));
  picker.addEventListener("change", () => picker.files?.[0] && chosen(picker.files[0]));
  picker.click();
}

/** @param {File} file @param {any} node @param {any} widget @param {any} button */
async function send(file, node, widget, button) {
  const form = new FormData();
  form.append("file", file, file.name);
  button.label = `Sending ${file.name}…`;
  app.canvas?.setDirty(true, true);
  try {
    const { name } = await upload("/upload-input-file", form);
    widget.value = name;
    widget.callback?.(name, app.canvas, node);
  } catch (error) {
    const { message, fix } = /** @type {any} */ (error);
    const detail = [message, fix].filter(Boolean).join("; ");
    app.extensionManager?.toast?.add({ severity: "error", summary: file.name, detail });
  } finally {
    button.label = LABEL;
    app.canvas?.setDirty(true, true);
  }
}
