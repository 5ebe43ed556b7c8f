// The call of the deployed endpoint with the values of the form, in three languages, to be copied.

import { element } from "./elements.js";
import { objectText, own, post } from "./requests.js";

const LANGUAGES = [
  ["curl", "curl"],
  ["python", "Python"],
  ["javascript", "JavaScript"],
];
const WAIT_MS = 400; // after the last change
const ANSWER =
  "The answer is a run that waits in the queue, with its id. GET /v1/runs/ID at the same address says " +
  "when it has ended, and where its files are.";
const OWNER_UNKNOWN =
  "YOUR-ORGANIZATION stands for the owner of the key, whom only the API knows: Deploy the workflow " +
  "once, and the whole address stands here.";

export class Calls {
  /** @param {HTMLElement} place @param {() => [string, string][]} values */
  constructor(place, values) {
    this.values = values;
    this.current = 0;
    /** @type {Record<string, string>} */
    this.texts = {};
    this.tabs = LANGUAGES.map(([key, label], place) =>
      element(
        "button",
        {
          type: "button",
          role: "tab",
          id: `tab-${key}`,
          "aria-controls": "call-text",
          onclick: () => this.choose(place),
        },
        label,
      ),
    );
    const list = element("div", { role: "tablist", "aria-label": "Language" }, ...this.tabs);
    list.addEventListener("keydown", (event) => this.key(event));
    this.text = element("code", {});
    this.panel = element(
      "pre",
      { id: "call-text", role: "tabpanel", tabIndex: 0, class: "call" },
      this.text,
    );
    this.told = element("span", { role: "status" });
    this.owner = element("p", { class: "help", hidden: true }, OWNER_UNKNOWN);
    const copy = element("button", { type: "button", onclick: () => this.copy() }, "Copy");
    place.replaceChildren(
      list,
      this.panel,
      element("div", { class: "buttons" }, copy, this.told),
      element("p", { class: "help" }, "The key is that of the environment variable RUNFLOW_API_KEY."),
      element("p", { class: "help" }, ANSWER),
      this.owner,
    );
    this.choose(0);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const moves = { ArrowRight: 1, ArrowLeft: -1 };
    const move = moves[/** @type {keyof typeof moves} */ (event.key)];
    if (!move) return;
    this.choose((this.current + move + LANGUAGES.length) % LANGUAGES.length);
    this.tabs[this.current].focus();
  }

  /** @param {number} place */
  choose(place) {
    this.current = place;
    this.tabs.forEach((one, number) => {
      one.setAttribute("aria-selected", String(number === place));
      one.tabIndex = number === place ? 0 : -1;
    });
    this.panel.setAttribute("aria-labelledby", `tab-${LANGUAGES[place][0]}`);
    this.text.textContent = this.texts[LANGUAGES[place][0]] ?? "";
    this.told.textContent = "";
  }

  /** The form has changed. */
  update() {
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      const body = objectText([["values", objectText(this.values())]]);
      const told = await post(own("calls"), body).catch((error) => ({
        curl: error.message,
        python: error.message,
        javascript: error.message,
      }));
      this.texts = told;
      this.owner.hidden = told.is_deployed !== false;
      this.choose(this.current);
    }, WAIT_MS);
  }

  async copy() {
    const text = this.text.textContent ?? "";
    try {
      await navigator.clipboard.writeText(text);
      this.told.textContent = "Copied";
    } catch {
      // Only pages of https:// or this machine may write there: mark it, for the keyboard to copy.
      getSelection()?.selectAllChildren(this.text);
      this.told.textContent = document.execCommand("copy") ? "Copied" : "Press Ctrl+C to copy";
    }
  }
}
