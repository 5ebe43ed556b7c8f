// The two rows below Settings → Runflow → Connection. What they show comes from the server.

import { element } from "../elements.js";
import { explained } from "../requests.js";
import { style } from "../style.js";
import { change, state, watch } from "./keys.js";

const PLACES = { environment: "from RUNFLOW_API_KEY", config: "kept" };

/** Which hosts have a key, and a field for one more. @returns {HTMLElement} */
export function keyRow() {
  const hosts = element("ul", { "aria-label": "Hosts that have an API key" });
  const field = /** @type {HTMLInputElement} */ (
    element("input", { type: "password", "aria-label": "API key" })
  );
  field.autocomplete = "new-password";
  field.placeholder = "paste a key";
  const keep = element("button", { type: "submit" }, "Keep");
  return row(
    (known, run) => {
      keep.textContent = `Keep for ${known.host}`;
      hosts.replaceChildren(
        ...known.hosts.map((one) => hostLine(one, () => run(() => forget(one.host)))),
      );
      return known.has_key ? "" : `not set for ${known.host}`;
    },
    async () => {
      const key = field.value.trim();
      field.value = "";
      if (!key) return "paste the key first";
      const known = await state();
      await change({ action: "keep-key", url: known.url, key });
      return `kept for ${known.host}`;
    },
    [hosts, line(field, keep)],
  );

  async function forget(/** @type {string} */ host) {
    await change({ action: "forget-key", host });
    field.focus(); // the button that had it is gone
    return `forgotten for ${host}`;
  }
}

/** The address of the API. @returns {HTMLElement} */
export function urlRow() {
  const field = /** @type {HTMLInputElement} */ (
    element("input", { type: "text", inputMode: "url", "aria-label": "API address" })
  );
  field.spellcheck = false;
  const save = /** @type {HTMLButtonElement} */ (element("button", { type: "submit" }, "Save"));
  return row(
    (known) => {
      if (document.activeElement !== field) field.value = known.url;
      field.disabled = save.disabled = known.url_from === "environment";
      if (field.disabled) return "set by RUNFLOW_API_URL";
      return known.url_from === "default" ? "the hosted API" : "";
    },
    async () => {
      const known = await change({ action: "set-url", url: field.value });
      field.value = known.url;
      return "saved";
    },
    [line(field, save)],
  );
}

/** @typedef {() => Promise<string>} Work what it says when it is done */

/**
 * @param {(known: import("./keys.js").State, run: (work: Work) => void) => string} show what it says
 *   of the state
 * @param {Work} submit
 * @param {HTMLElement[]} parts
 */
function row(show, submit, parts) {
  const status = element("small", { role: "status" });
  let asked = 0;
  const update = async () => {
    const mine = (asked += 1);
    const tell = await state().then(
      (known) => () => show(known, run),
      (error) => () => explained(error),
    );
    if (mine === asked) status.textContent = tell(); // else a later answer has come, or will
  };
  const run = async (/** @type {Work} */ work) => {
    const said = await work().catch(explained);
    await update();
    if (said) status.textContent = said;
  };
  const onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    run(submit);
  };
  const form = element("form", { class: "runflow runflow-connection", onsubmit }, ...parts, status);
  style(new URL("./connection.css", import.meta.url));
  const stop = watch(() => (form.isConnected ? update() : stop()));
  update();
  return form;
}

/** @param {{host: string, from: string}} one @param {() => void} forget */
function hostLine({ host, from }, forget) {
  const place = PLACES[/** @type {"config"} */ (from)];
  const button =
    from === "config" &&
    element(
      "button",
      { type: "button", "aria-label": `Forget the key of ${host}`, onclick: forget },
      "Forget",
    );
  return element("li", { class: "line" }, element("span", {}, `${host}: set (${place})`), button);
}

/** @param {...HTMLElement} parts */
const line = (...parts) => element("div", { class: "line" }, ...parts);
