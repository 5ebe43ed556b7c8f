// 3D files: shown by model-viewer, which the server fetches once, when and only when it is wished.

import { element } from "./elements.js";
import { sizeText } from "./numbers.js";
import { get, post } from "./requests.js";

/** @type {Promise<void> | null} */
let loading = null;

/** @param {string} url @param {string} name */
export function modelView(url, name) {
  const place = element("div", { class: "model-place" });
  const show = async () => {
    await (loading ??= load());
    const viewer = element("model-viewer", { alt: name });
    viewer.setAttribute("src", url);
    viewer.setAttribute("camera-controls", "");
    viewer.setAttribute("shadow-intensity", "1");
    viewer.addEventListener("error", () => {
      // Draco and KTX2 have decoders that would have to come from the internet.
      const words = "The viewer cannot show this file; it may be compressed, or damaged. Download it below.";
      place.replaceChildren(element("p", { role: "status" }, words));
    });
    place.replaceChildren(viewer);
  };
  get("_viewer").then(
    (state) => (state.here ? show() : place.replaceChildren(offer(state))),
    (error) => place.replaceChildren(element("p", { class: "help" }, error.message)),
  );
  return place;
}

/** @param {{version: string, size: number, hosts: string[]}} state */
function offer(state) {
  const missing = `3D files are shown by model-viewer ${state.version}, which is not on this machine.`;
  const words = element("p", {}, `${missing} Nothing was asked of the internet.`);
  const told = element("p", { role: "status" });
  const button = /** @type {HTMLButtonElement} */ (
    element(
      "button",
      {
        type: "button",
        onclick: async () => {
          button.disabled = true;
          words.textContent = missing;
          told.textContent = "Fetching…";
          try {
            await post("_viewer");
            location.reload(); // a page that was loaded without it allows none of its styles
          } catch (error) {
            const { message, fix } = /** @type {any} */ (error);
            told.textContent = [message, fix ?? "download the file itself, or try again later"].join("; ");
            button.disabled = false;
          }
        },
      },
      `Fetch it once (${sizeText(state.size)} from ${state.hosts[0]})`,
    )
  );
  return element("div", {}, words, button, told);
}

/** @returns {Promise<void>} */
function load() {
  return new Promise((resolve, reject) => {
    const script = element("script", { type: "module", src: "_static/model-viewer.js" });
    script.addEventListener("load", () => resolve());
    script.addEventListener("error", () => {
      loading = null;
      reject(new Error("the 3D viewer cannot be loaded"));
    });
    document.head.append(script);
  });
}
