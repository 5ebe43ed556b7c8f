// The panel of who may come in and who can reach ComfyUI; opened from the settings and the commands.

import { element } from "../elements.js";
import { explained, get } from "../requests.js";
import { style } from "../style.js";
import { openPanel, STYLE } from "./panel.js";
import { stateText } from "./words.js";

const COMMAND = "Runflow.Security";

/** What stands in the settings: how it is, and a button. It is read when the settings are shown. */
function summary() {
  const state = element("span", { role: "status" });
  const show = async () => {
    state.textContent = await get("/security").then(stateText, explained);
  };
  style(STYLE);
  show();
  const open = async () => {
    await openPanel();
    show();
  };
  const button = element("button", { type: "button", onclick: open }, "Open the security panel");
  return element("div", { class: "runflow runflow-security-setting" }, state, button);
}

/** @type {import("../runflow.js").Feature} */
export const security = {
  settings: [
    {
      id: "Runflow.Security",
      name: "Password and reachability",
      category: ["Runflow", "Security", "Password"],
      tooltip: "Who may come in, and who can reach this ComfyUI",
      type: summary, // shows; there is no value, so nothing is ever saved
      defaultValue: null,
    },
  ],
  commands: [
    {
      id: COMMAND,
      label: "Password and reachability",
      icon: "pi pi-lock",
      function: () => void openPanel(), // a command is done when the panel is there
    },
  ],
  menuCommands: [{ path: ["Runflow"], commands: [COMMAND] }],
};
