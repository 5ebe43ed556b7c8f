// A picture in a dialog: wheel, two fingers, buttons or keys to enlarge, drag or arrows to move,
// Escape to close.

import { element } from "./elements.js";

const STEP = 1.25;
const MOVE = 60; // pixels

/** @param {string} url @param {string} name */
export function openZoom(url, name) {
  let scale = 1;
  let x = 0;
  let y = 0;
  const image = /** @type {HTMLImageElement} */ (
    element("img", { src: url, alt: name, draggable: false })
  );
  const state = element("span", { class: "zoom-state", role: "status" }, "100 %");
  const apply = () => {
    image.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    image.classList.toggle("pixels", scale > 2);
    state.textContent = `${Math.round(scale * 100)} %`;
  };
  const zoom = (/** @type {number} */ factor, px = 0, py = 0) => {
    const next = Math.min(40, Math.max(0.2, scale * factor));
    x = px - ((px - x) * next) / scale;
    y = py - ((py - y) * next) / scale;
    scale = next;
    apply();
  };
  const fit = () => {
    [scale, x, y] = [1, 0, 0];
    apply();
  };
  const stage = element("div", { class: "stage" }, image);
  /** From the middle of the stage, as `zoom` has it.
   * @param {number} px @param {number} py @returns {[number, number]} */
  const within = (px, py) => {
    const box = stage.getBoundingClientRect();
    return [px - box.left - box.width / 2, py - box.top - box.height / 2];
  };
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      zoom(event.deltaY < 0 ? STEP : 1 / STEP, ...within(event.clientX, event.clientY));
    },
    { passive: false },
  );

  /** Where the fingers are, or the mouse that is pressed. @type {Map<number, [number, number]>} */
  const touching = new Map();
  const spread = () => {
    const [[ax, ay], [bx, by]] = touching.values();
    return { apart: Math.hypot(ax - bx, ay - by), middle: within((ax + bx) / 2, (ay + by) / 2) };
  };
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    touching.set(event.pointerId, [event.clientX, event.clientY]);
  });
  stage.addEventListener("pointermove", (event) => {
    const former = touching.get(event.pointerId);
    if (!former) return;
    const before = touching.size === 2 ? spread() : null;
    touching.set(event.pointerId, [event.clientX, event.clientY]);
    if (before?.apart) {
      const now = spread();
      x += now.middle[0] - before.middle[0];
      y += now.middle[1] - before.middle[1];
      zoom(now.apart / before.apart, ...now.middle);
    } else if (touching.size === 1) {
      x += event.clientX - former[0];
      y += event.clientY - former[1];
      apply();
    }
  });
  const lifted = (/** @type {PointerEvent} */ event) => touching.delete(event.pointerId);
  stage.addEventListener("pointerup", lifted);
  stage.addEventListener("pointercancel", lifted);
  const button = (/** @type {string} */ text, /** @type {string} */ label, /** @type {any} */ act) =>
    element("button", { type: "button", onclick: act, "aria-label": label, title: label }, text);
  const dialog = /** @type {HTMLDialogElement} */ (
    element(
      "dialog",
      { class: "zoom", "aria-label": name },
      element(
        "div",
        { class: "zoom-bar" },
        button("−", "Smaller", () => zoom(1 / STEP)),
        state,
        button("+", "Larger", () => zoom(STEP)),
        button("Fit", "Fit into the window", fit),
        button("Close", "Close", () => dialog.close()),
      ),
      stage,
    )
  );
  /** @type {Record<string, () => void>} */
  const keys = {
    "+": () => zoom(STEP),
    "=": () => zoom(STEP),
    "-": () => zoom(1 / STEP),
    0: fit,
    ArrowLeft: () => ((x += MOVE), apply()),
    ArrowRight: () => ((x -= MOVE), apply()),
    ArrowUp: () => ((y += MOVE), apply()),
    ArrowDown: () => ((y -= MOVE), apply()),
  };
  dialog.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
