// Says once that Python packages are missing, before somebody presses what needs them.

import { app } from "../../../scripts/app.js";
import { get } from "../requests.js";

/** @type {import("../runflow.js").Feature} */
export const packages = {
  async setup() {
    const { lacking } = await get("/packages").catch(() => ({ lacking: null })); // others say why
    if (!lacking) return;
    app.extensionManager.toast.add({
      severity: "warn",
      summary: "Runflow works in part",
      detail: `${lacking.message}. To mend it, ${lacking.fix}.`,
    });
  },
};
