// The Local Playground in the editor: its command, and the answers to its pages.

import { app } from "../../../scripts/app.js";
import { openPlayground } from "./capture.js";
import { answerPlaygrounds } from "./link.js";

const COMMAND = "Runflow.Playground";

async function open() {
  try {
    await openPlayground();
  } catch (error) {
    const { message, fix } = /** @type {any} */ (error);
    const detail = [message, fix].filter(Boolean).join("; ");
    app.extensionManager?.toast?.add({ severity: "error", summary: "Playground", detail });
  }
}

/** @type {import("../runflow.js").Feature} */
export const playground = {
  commands: [
    {
      id: COMMAND,
      label: "Open Local Playground",
      icon: "pi pi-play-circle",
      function: open,
    },
  ],
  menuCommands: [{ path: ["Runflow"], commands: [COMMAND] }],
  setup: answerPlaygrounds,
};
