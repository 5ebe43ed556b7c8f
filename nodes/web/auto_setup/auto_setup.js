// Auto setup in the editor: its command, the notice of missing nodes, and what opens after a restart.

import { openAutoSetup } from "./dialog.js";
import { hearOfRefused } from "./graph.js";
import { notifyOfMissing } from "./notice.js";
import { takeRestarted } from "./restart.js";

const COMMAND = "Runflow.AutoSetup";

/** @type {import("../runflow.js").Feature} */
export const autoSetup = {
  commands: [
    {
      id: COMMAND,
      label: "Auto setup",
      icon: "pi pi-download",
      function: () => openAutoSetup(),
    },
  ],
  menuCommands: [{ path: ["Runflow"], commands: [COMMAND] }],
  setup() {
    hearOfRefused((asked) => notifyOfMissing(asked.unknown.length, () => openAutoSetup({ asked })));
  },
  afterConfigureGraph(missing) {
    if (takeRestarted()) openAutoSetup({ restarted: true });
    else notifyOfMissing(missing.length, () => openAutoSetup());
  },
};
