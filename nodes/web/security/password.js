// The forms that set, replace and switch off the password. It goes to the server and stays nowhere.

import { element } from "../elements.js";
import { explained, post } from "../requests.js";

/** @typedef {import("./words.js").State} State */

/**
 * The forms that make sense in this state.
 * @param {State} state
 * @param {() => void} changed called where the page goes on as it is
 * @returns {HTMLElement[]}
 */
export function passwordForms(state, changed) {
  if (state.password === "broken" || !state.can_hash) return [];
  if (state.password === "off") return [setForm(state, "Ask for a password", false)];
  return [
    folded("Replace it", setForm(state, "Replace the password", true)),
    folded("Switch it off", offForm(changed)),
  ];
}

/** @param {string} title @param {HTMLElement} form */
const folded = (title, form) => element("details", {}, element("summary", {}, title), form);

/** @param {State} state @param {string} action @param {boolean} replaces */
function setForm(state, action, replaces) {
  const name = field("User name", { autocomplete: "username", value: state.username ?? "" });
  const current = replaces ? field("Current password", CURRENT) : null;
  const hint = `At least ${state.shortest} characters; a few words are better than one.`;
  const password = field("New password", { ...NEW, minLength: state.shortest }, hint);
  const again = field("New password again", NEW);
  const same = () => {
    const differs = again.input.value !== password.input.value;
    again.input.setCustomValidity(differs ? "The two passwords differ." : "");
  };
  for (const one of [password, again]) one.input.addEventListener("input", same);
  const note =
    "The page is loaded anew, and the browser asks for both. Save your work first. Other pages " +
    "and programs that use this ComfyUI are asked, too.";
  return form(action, [name, current, password, again], note, async () => {
    await post("/security/password", {
      username: name.input.value,
      password: password.input.value,
      current_password: current?.input.value ?? "",
    });
    location.reload();
  });
}

/** @param {() => void} changed */
function offForm(changed) {
  const current = field("Current password", CURRENT);
  return form("Switch the password off", [current], null, async () => {
    await post("/security/off", { current_password: current.input.value });
    changed();
  });
}

const CURRENT = { type: "password", autocomplete: "current-password" };
const NEW = { type: "password", autocomplete: "new-password" };
let fields = 0;

/** @param {string} label @param {Record<string, any>} properties @param {string} [hint] */
function field(label, properties, hint) {
  const id = `runflow-security-field-${(fields += 1)}`;
  const hintId = hint && `${id}-hint`;
  const input = /** @type {HTMLInputElement} */ (
    element("input", {
      id,
      type: "text",
      required: true,
      maxLength: 256,
      spellcheck: false,
      autocapitalize: "none",
      "aria-describedby": hintId,
      ...properties,
    })
  );
  const row = element(
    "div",
    { class: "field" },
    element("label", { htmlFor: id }, label),
    input,
    hint && element("small", { id: hintId }, hint),
  );
  return { input, row };
}

/**
 * @param {string} action
 * @param {({input: HTMLInputElement, row: HTMLElement} | null)[]} parts
 * @param {string | null} note
 * @param {() => Promise<void>} act
 */
function form(action, parts, note, act) {
  const problem = element("p", { class: "bad", role: "alert" });
  const button = /** @type {HTMLButtonElement} */ (element("button", { type: "submit", class: "primary" }, action));
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (button.ariaDisabled) return; // not `disabled`, which would lose the focus
    problem.textContent = "";
    button.ariaDisabled = "true";
    try {
      await act();
    } catch (error) {
      problem.textContent = explained(error);
    } finally {
      button.ariaDisabled = null;
    }
  };
  return element(
    "form",
    { onsubmit: submit, autocomplete: "on" },
    ...parts.map((one) => one?.row),
    note && element("small", {}, note),
    problem,
    button,
  );
}
