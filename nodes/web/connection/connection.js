// The connection to the API in the settings, and moving keys to where nobody reads them.
//
// ComfyUI's own settings are served in clear. So neither row has a value there: they show what the
// server says, and the key goes one way.

import { app } from "../../../scripts/app.js";
import { offerKey } from "./keys.js";
import { keyRow, urlRow } from "./rows.js";

const URL_SETTING = "Runflow.ApiUrl";
const KEY_SETTING = "Runflow.ApiKey";

/** @type {import("../runflow.js").Feature} */
export const connection = {
  settings: [
    {
      id: KEY_SETTING,
      name: "API key",
      category: ["Runflow", "Connection", "API key"],
      tooltip: "Kept in a file on the machine that runs ComfyUI; never in a workflow",
      type: keyRow,
      defaultValue: null,
    },
    {
      id: URL_SETTING,
      name: "API address",
      category: ["Runflow", "Connection", "API address"],
      tooltip: "Where endpoints are deployed to",
      type: urlRow,
      defaultValue: null,
    },
  ],
  setup() {
    moveOldKey();
  },
};

/** A key that an older plugin left in ComfyUI's settings goes to its place, if the user wants it. */
async function moveOldKey() {
  const settings = app.extensionManager?.setting;
  const key = settings?.get(KEY_SETTING);
  if (typeof key !== "string" || !key.trim()) return;
  const host = settings.get(URL_SETTING);
  const done = await offerKey(key.trim(), {
    url: typeof host === "string" ? host : "",
    why: "ComfyUI's settings hold an API key, where every page can read it.",
    once: false,
  });
  if (done) await settings.set(KEY_SETTING, "");
}
