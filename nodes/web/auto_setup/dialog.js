// The dialog: looking, choosing, installing, restarting, one after the other.

import { app } from "../../../scripts/app.js";
import { dialogHead, dialogOf, show } from "../dialog.js";
import { element } from "../elements.js";
import { cancel, follow } from "../jobs.js";
import { get, post } from "../requests.js";
import { Choice, canBeDone } from "./choice.js";
import { choiceView } from "./choice_view.js";
import { Course } from "./course.js";
import { courseView } from "./course_view.js";
import { shownGraph } from "./graph.js";
import { dismissNotice, STYLE } from "./notice.js";
import { offerRestart } from "./restart.js";
import { findingsView } from "./row_view.js";

const ALOUD_EVERY_MS = 5000;
const LOOKING = "Looking for what this workflow needs …";
const RESTART = "restart ComfyUI to load the nodes";
const UNHEARD = "ComfyUI does not answer. If it has ended, start it: this page waits for it …";
const LOST = "ComfyUI was started anew, which ended this. Look again: downloads go on where they stopped.";

/**
 * `asked`: what is looked at instead of the graph in the editor.
 * @typedef {{restarted?: boolean, asked?: object}} How
 */

/** @type {Dialog | null} */
let open = null;

/**
 * Open it, on what runs already or else on a new look at the graph.
 * @param {How} [how]
 */
export function openAutoSetup(how = {}) {
  dismissNotice();
  if (open) return;
  open = new Dialog(how);
  open.root.addEventListener("close", () => (open = null));
  open.begin();
  show(open.root, STYLE);
}

/** From its opening to its closing; what it has started goes on after that, save for a look. */
class Dialog {
  spoke = 0; // when the status was last read aloud
  waits = false; // what was installed, for a restart

  /** @param {How} how */
  constructor({ restarted = false, asked }) {
    this.restarted = restarted;
    this.asked = asked;
    this.status = element("p", { class: "rf-status", role: "status", "aria-live": "polite" });
    this.body = element("div", { class: "rf-body", tabIndex: 0, "aria-label": "What is needed" });
    this.buttons = element("div", { class: "rf-buttons" });
    const id = "rf-auto-setup-title";
    this.root = dialogOf(
      { class: "rf-auto-setup", "aria-labelledby": id },
      dialogHead(id, "Auto setup"),
      this.status,
      this.body,
      this.buttons,
    );
  }

  /** Show what runs already, whoever has started it, or else look. */
  async begin() {
    this.wait(LOOKING, "Cancel");
    const state = await get("/auto-setup").catch((error) => this.fail(error));
    if (!state) return;
    this.waits = state.restart;
    if (state.job) await this.install(state.job, state.rows);
    else await this.look();
  }

  close() {
    this.root.close();
  }

  /** Nothing can be chosen meanwhile. @param {string} text @param {string} leave what closes it */
  wait(text, leave) {
    this.body.replaceChildren();
    this.say(text);
    this.offer(this.button(leave, () => this.close()));
  }

  /**
   * @param {string} text
   * @param {boolean} [often] one of many: read aloud only now and then
   */
  say(text, often = false) {
    const aloud = !often || Date.now() - this.spoke > ALOUD_EVERY_MS;
    if (aloud) this.spoke = Date.now();
    this.status.setAttribute("aria-live", aloud ? "polite" : "off");
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  /** @param {...HTMLElement} buttons the last one is what Enter means */
  offer(...buttons) {
    this.buttons.replaceChildren(...buttons);
  }

  /** @param {string} text @param {() => void} act @param {object} [more] */
  button(text, act, more = {}) {
    return element("button", { type: "button", onclick: act, ...more }, text);
  }

  async look() {
    const about = this.asked ?? shownGraph();
    const begun = await post("/auto-setup/plan", about).catch((error) => this.fail(error));
    if (!begun) return;
    const leave = () => cancel(begun.job).catch(() => {});
    if (open !== this) return leave();
    this.root.addEventListener("close", leave);
    const last = await this.followed(begun.job, (event) => {
      if (event.step === "asking")
        this.say(`${LOOKING} ${event.answered} of ${event.asked} answers`, true);
    });
    this.root.removeEventListener("close", leave);
    if (last.state === "done") this.choose(last);
    else if (last.state === "cancelled") this.close();
    else this.fail(last);
  }

  /** @param {{plan: string, rows: any[], findings: any[]}} plan */
  choose(plan) {
    const choice = new Choice(plan.rows);
    const start = this.button("", () => this.start(plan, choice), { class: "primary" });
    const changed = () => {
      const { text: of, ready } = choice.summary();
      const text = this.waits ? `${of.replace(/\.$/, "")} · ${RESTART}` : of;
      this.say(this.restarted ? `ComfyUI has restarted. ${text}` : text);
      start.textContent = ready ? `Install ${ready}` : "Install";
      /** @type {HTMLButtonElement} */ (start).disabled = !ready;
      start.hidden = !plan.rows.some(canBeDone);
    };
    this.body.replaceChildren(
      choiceView(choice, changed, () => this.close()),
      findingsView(plan.findings),
    );
    this.offer(
      this.button("Close", () => this.close()),
      this.button("Look again", () => this.begin()),
      ...this.restart(this.waits),
      start,
    );
    changed();
  }

  /** @param {{plan: string, rows: any[]}} plan @param {Choice} choice */
  async start(plan, choice) {
    const chosen = choice.toSend();
    this.wait("Starting …", "Close, and go on");
    const begun = await post("/auto-setup/start", { plan: plan.plan, ...chosen }).catch((error) =>
      error.code === "setup-running" ? this.begin() : this.fail(error),
    );
    if (begun) await this.install(begun.job, plan.rows.filter((row) => chosen.rows.includes(row.id)));
  }

  /** @param {string} job @param {any[]} rows */
  async install(job, rows) {
    this.restarted = false;
    const course = new Course(rows);
    const view = courseView(course);
    let text = () => course.summary();
    const stop = () => {
      text = () => "Cancelling …";
      this.say(text());
      cancel(job).catch(() => {});
    };
    this.body.replaceChildren(view.root);
    this.offer(
      this.button("Close, and go on", () => this.close()),
      this.button("Cancel", stop),
    );
    const last = await this.followed(job, (event) => {
      course.take(event);
      view.update();
      this.say(text(), true);
    });
    course.end(last);
    view.update();
    if (last.lost) this.say(LOST);
    else this.say(last.state === "failed" ? "Nothing was installed." : course.summary());
    if (last.findings?.length) this.body.append(findingsView(last.findings));
    this.offer(
      this.button("Close", () => this.close()),
      this.button("Look again", () => this.begin()),
      ...this.restart(course.wantsRestart),
    );
    // The editor's lists of files get to know of the new models.
    if (course.hasModels && !course.wantsRestart) await app.refreshComboInNodes?.();
  }

  /** @param {boolean} wanted @returns {HTMLElement[]} */
  restart(wanted) {
    return wanted ? [offerRestart((text) => this.say(text))] : [];
  }

  /** @param {string} job @param {(event: any) => void} heard */
  followed(job, heard) {
    return follow(job, heard, () => this.say(UNHEARD));
  }

  /** @param {any} error a refusal of a route, or the last event of a job */
  fail(error) {
    const told = error.findings?.length ? error.findings : [error];
    this.say(error.lost ? LOST : "That did not work.");
    this.body.replaceChildren(findingsView(told.filter((/** @type {any} */ one) => one.message)));
    this.offer(
      this.button("Close", () => this.close()),
      this.button("Look again", () => this.begin()),
    );
  }
}
