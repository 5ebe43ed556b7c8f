// Restarting ComfyUI: ask for it, wait until another one answers, load the page anew.

import { app } from "../../../scripts/app.js";
import { element } from "../elements.js";
import { get, post } from "../requests.js";

const MARK = "runflow.restarted";
const FIRST_WAIT_MS = 500;
const MOST_WAIT_MS = 5000;
const GIVES_UP_MS = 10 * 60_000;

/** Whether the page was loaded anew by a restart of ours; asked once. */
export function takeRestarted() {
  const was = sessionStorage.getItem(MARK) !== null;
  sessionStorage.removeItem(MARK);
  return was;
}

/**
 * The button; it asks again while prompts are running.
 * @param {(text: string) => void} say
 * @returns {HTMLElement}
 */
export function offerRestart(say) {
  let anyway = false;
  const button = /** @type {HTMLButtonElement} */ (
    element("button", { type: "button", class: "primary", onclick: act }, "Restart ComfyUI")
  );
  return button;

  async function act() {
    if (button.ariaDisabled) return; // not `disabled`, which would lose the focus
    button.ariaDisabled = "true";
    try {
      const { instance } = await post("/restart", { anyway });
      say("ComfyUI restarts; the page comes back by itself …");
      await anotherThan(instance, say);
      sessionStorage.setItem(MARK, "1");
      reload();
    } catch (/** @type {any} */ error) {
      say(`${error.message}${error.fix ? `: ${error.fix}` : ""}`);
      anyway = error.code === "prompts-running";
      button.textContent = anyway ? "Restart anyway" : "Restart ComfyUI";
      button.ariaDisabled = null;
    }
  }
}

/** Wait until a ComfyUI answers that is not this one. @param {string} instance */
async function anotherThan(instance, say) {
  const began = Date.now();
  let wait = FIRST_WAIT_MS;
  while (Date.now() - began < GIVES_UP_MS) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    const told = await get("/restart").catch(() => null);
    if (told?.instance && told.instance !== instance) return;
    wait = Math.min(MOST_WAIT_MS, wait * 1.5);
    const seconds = Math.round((Date.now() - began) / 1000);
    if (seconds > 20) say(`ComfyUI restarts … ${seconds} s; its log says what it is doing`);
  }
  throw new Error("ComfyUI does not come back; read its log, and start it by hand");
}

/** Without a question where the editor keeps the unsaved workflow by itself. */
function reload() {
  const keeps = app.extensionManager?.setting?.get?.("Comfy.Workflow.Persist") ?? true;
  const quiet = (/** @type {Event} */ event) => event.stopImmediatePropagation();
  if (keeps) window.addEventListener("beforeunload", quiet, { capture: true });
  location.reload();
}
