// How far a deploy is, what was found, and how it ended: a panel beside the graph, not over it.

import { element } from "../elements.js";
import { cancel } from "../jobs.js";
import { style } from "../style.js";
import { findingLine } from "./finding.js";

const STEPS = {
  connect: "Ask the API",
  capture: "Capture the graph",
  lock: "Lock models, node packs and inputs",
  validate: "Validate",
  rewrite: "Build the bundle",
  publish: "Publish",
};
const MARKS = { running: "…", done: "✓", failed: "✗", stopped: "–" };
const WORDS = { running: "running", done: "done", failed: "failed", stopped: "stopped" };

/** @type {Panel | null} */
let shown = null;

export class Panel {
  /** @param {string} title @param {(more: object) => void} [again] what the last button does */
  constructor(title, again) {
    this.again = again;
    this.steps = element("ol", { "aria-label": "Steps" });
    this.status = element("p", { role: "status", "aria-live": "polite" });
    this.findings = element("ul", { class: "findings", "aria-label": "Findings" });
    this.results = element("div", { class: "results" });
    this.buttons = element("footer", {});
    this.root = element(
      "section",
      { class: "runflow beside runflow-panel", role: "region", "aria-label": `Runflow: ${title}`, tabIndex: -1 },
      element(
        "header",
        {},
        element("h2", {}, title),
        element(
          "button",
          { type: "button", class: "close", "aria-label": "Close", onclick: () => this.close() },
          "✕",
        ),
      ),
      this.steps,
      this.status,
      this.findings,
      this.results,
      this.buttons,
    );
    for (const name of ["keydown", "keyup", "copy", "paste"])
      this.root.addEventListener(name, (event) => {
        if (/** @type {KeyboardEvent} */ (event).key === "Escape") this.close();
        event.stopPropagation();
      });
  }

  async show() {
    if (shown !== this) shown?.close();
    shown = this;
    await style(new URL("./panel.css", import.meta.url));
    if (!this.root.isConnected && shown === this) document.body.append(this.root);
  }

  close() {
    this.root.remove();
    if (shown === this) shown = null;
  }

  /**
   * @param {string} job
   * @param {(id: string, heard: (event: any) => void) => Promise<any>} follow
   * @returns {Promise<any>} the job's last event
   */
  async follow(job, follow) {
    await this.show();
    const stop = () => {
      this.say("Cancelling …");
      button.disabled = true;
      cancel(job).catch((error) => this.say(error.message, "failed"));
    };
    const button = /** @type {HTMLButtonElement} */ (
      element("button", { type: "button", onclick: stop }, "Cancel")
    );
    this.buttons.replaceChildren(button);
    const last = await follow(job, (event) => this.take(event));
    this.buttons.replaceChildren();
    if (!shown) await this.show(); // it was closed meanwhile
    if (last.state === "failed")
      this.say(last.lost ? "ComfyUI was restarted; try again." : "That did not work.", "failed");
    this.endStep(last.state === "cancelled" ? "stopped" : "failed");
    if (last.findings) this.list(last.findings);
    if (last.findings?.some((/** @type {any} */ one) => one.code === "install-differs"))
      this.offerAgain("Take what is installed now", { upgrade: true });
    return last;
  }

  /** @param {any} event */
  take({ step, status, text, findings }) {
    if (!step) return;
    let line = /** @type {HTMLElement | null} */ (this.steps.querySelector(`[data-step="${step}"]`));
    if (!line) {
      line = element("li", { "data-step": step });
      this.steps.append(line);
    }
    const name = STEPS[/** @type {"lock"} */ (step)] ?? step;
    const state = /** @type {"done"} */ (status);
    line.dataset.status = state;
    line.replaceChildren(
      element("span", { class: "mark", "aria-hidden": "true" }, MARKS[state]),
      element("span", {}, name),
      element("small", {}, text ?? WORDS[state]),
    );
    if (state === "running") this.say(`${name} …`);
    if (findings) this.list(findings);
  }

  /** The step that was running when it ended. @param {"failed" | "stopped"} state */
  endStep(state) {
    for (const line of this.steps.querySelectorAll('[data-status="running"]')) {
      /** @type {HTMLElement} */ (line).dataset.status = state;
      const [mark, , text] = line.children;
      [mark.textContent, text.textContent] = [MARKS[state], WORDS[state]];
    }
  }

  /** @param {any[]} findings worst first, each once */
  list(findings) {
    const order = ["error", "warning", "note"];
    this.found = [...(this.found ?? []), ...findings];
    const unique = new Map(this.found.map((one) => [JSON.stringify(one), one]));
    const sorted = [...unique.values()].sort(
      (a, b) => order.indexOf(a.severity) - order.indexOf(b.severity),
    );
    this.findings.replaceChildren(...sorted.map(findingLine));
  }

  /** A refusal of one of our routes. @param {any} error */
  async refused(error) {
    await this.show();
    this.say("That did not work.", "failed");
    const own = { severity: "error", code: error.code, message: error.message, fix: error.fix };
    this.list(error.findings?.length ? error.findings : [{ ...own, where: error.where }]);
    this.root.focus();
  }

  /** @param {string} text @param {[string, string | null][]} rows what can be copied */
  result(text, rows) {
    this.say(text, "done");
    this.rows(rows);
  }

  /** @param {[string, string | null][]} rows what can be copied */
  rows(rows) {
    const given = rows.filter(([, value]) => value);
    this.results.replaceChildren(
      ...given.map(([name, value]) => copyable(name, String(value))),
    );
  }

  /** @param {string} label @param {() => void} act */
  offer(label, act) {
    this.buttons.append(element("button", { type: "button", onclick: act }, label));
  }

  /** The same once more, where it can be started from here. @param {string} label @param {object} more */
  offerAgain(label, more) {
    const { again } = this;
    if (again) this.offer(label, () => again(more));
  }

  /** @param {string} text @param {string} [kind] */
  say(text, kind = "") {
    this.status.textContent = text;
    this.status.dataset.kind = kind;
  }
}

/** @param {string} name @param {string} text */
function copyable(name, text) {
  const button = element(
    "button",
    {
      type: "button",
      "aria-label": `Copy the ${name}`,
      onclick: async () => {
        await navigator.clipboard?.writeText(text).catch(() => select(code));
        if (!navigator.clipboard) select(code);
        button.textContent = "Copied";
      },
    },
    "Copy",
  );
  const code = element("pre", { tabIndex: 0, "aria-label": name }, text);
  return element("div", { class: "copyable" }, element("h3", {}, name), button, code);
}

/** For pages without a clipboard (plain http to another machine). @param {HTMLElement} code */
function select(code) {
  getSelection()?.selectAllChildren(code);
}
