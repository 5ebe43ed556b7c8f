// The page: fetches the capture, and brings form, run, outputs, history and calls together.

import { Calls } from "./calls.js";
import { linkEditor } from "./editor_link.js";
import { element } from "./elements.js";
import { findingList, showFindings } from "./findings.js";
import { Form } from "./form.js";
import { secondsText, showHistory } from "./history.js";
import { get, own, SLUG } from "./requests.js";
import { showResults } from "./results.js";
import { Runner } from "./run.js";

/** @param {string} id @returns {any} */
const part = (id) => document.getElementById(id);
const [runButton, cancelButton] = [part("run"), part("cancel")];

/** @type {any} */
let capture = null;
/** @type {any[]} */
let runs = [];
/** @type {string | null} */
let shown = null;
let isBusy = false;

const form = new Form(part("fields"), () => calls.update());
const calls = new Calls(part("calls"), () => form.values());
const runner = new Runner(showProgress, ended);
const editor = linkEditor(() => capture, {
  differs: (isDifferent) => notice("changed", isDifferent ? changedNotice() : null),
  captured: () => load(),
  failed: (message) => notice("changed", notCaptured(message)),
});

/** A line below the title; one of each kind. @param {string} kind @param {HTMLElement | null} what */
function notice(kind, what) {
  const place = part("notices");
  const former = [...place.children].find((one) => one.dataset.kind === kind);
  if (!what || (former && former.textContent === what.textContent)) {
    if (!what) former?.remove();
    return;
  }
  what.dataset.kind = kind;
  what.classList.add("notice");
  former ? former.replaceWith(what) : place.append(what);
}

function changedNotice() {
  return element(
    "div",
    {},
    element("span", {}, "The graph in the editor has changed since this capture. "),
    element("button", { type: "button", onclick: () => editor.again() }, "Capture again"),
  );
}

/** @param {string} message */
const notCaptured = (message) => element("p", {}, `Not captured: ${message}`);

function lock() {
  runButton.disabled = !capture?.runnable;
  // A button that is disabled in earnest loses the focus, and whoever has no mouse their place.
  runButton.setAttribute("aria-disabled", String(isBusy || runButton.disabled));
  cancelButton.setAttribute("aria-disabled", String(runner.isStopping));
  const hadFocus = document.activeElement === cancelButton;
  cancelButton.hidden = !isBusy || !runner.id;
  if (hadFocus && cancelButton.hidden) runButton.focus();
}

/** @param {import("./run.js").Shown} now */
function showProgress(now) {
  isBusy = true;
  if (part("state").textContent !== now.text) part("state").textContent = now.text;
  part("progress").hidden = false;
  if (now.part === null) part("bar").removeAttribute("value");
  else part("bar").value = now.part;
  lock();
}

/** @param {any} run */
function ended(run) {
  isBusy = false;
  lock();
  showRun(run);
  readHistory();
}

/** @param {any} run that has ended */
function showRun(run) {
  shown = run.id;
  part("progress").hidden = true;
  const took = run.seconds === null ? "" : ` in ${secondsText(run.seconds)}`;
  const words = {
    done: `Done${took}`,
    failed: "The run failed",
    cancelled: "Cancelled",
    lost: "ComfyUI was restarted before this run had ended",
  };
  part("state").textContent = words[/** @type {keyof typeof words} */ (run.state)] ?? run.state;
  const { error } = run;
  part("run-error").replaceChildren(
    ...(error
      ? [
          element(
            "div",
            { class: "finding error" },
            error.node && element("strong", {}, `${error.title} (node ${error.node}): `),
            element("span", { class: "message" }, error.message),
          ),
        ]
      : []),
  );
  if (run.state === "done") showResults(part("outputs"), capture.outputs, run);
  else part("outputs").replaceChildren();
  drawHistory();
}

function drawHistory() {
  showHistory(part("history"), runs, shown, {
    show: (run) => {
      showRun(run);
      part("outputs-title").focus();
    },
    load: (run) => {
      form.load(run.values, run.wired);
      part("inputs-title").scrollIntoView({ block: "start" });
      form.fields[0]?.control.main.focus();
    },
  });
}

async function readHistory() {
  const answer = await get(own("runs")).catch(() => null);
  if (!answer) return;
  runs = answer.runs;
  drawHistory();
}

/** @param {Event} event */
async function start(event) {
  event.preventDefault();
  if (isBusy || !capture?.runnable) return;
  isBusy = true;
  lock();
  part("form-errors").replaceChildren();
  form.showErrors([]);
  part("state").textContent = "Starting";
  part("run-error").replaceChildren();
  try {
    await form.ready();
    await runner.start(form.values(), form.wired());
    readHistory();
  } catch (error) {
    const findings = /** @type {any} */ (error).findings;
    if (!findings) throw error;
    part("state").textContent = "";
    const list = findingList(form.showErrors(findings));
    part("form-errors").replaceChildren(...(list ? [list] : []));
  } finally {
    isBusy = runner.id !== null;
    lock();
  }
}

async function load() {
  try {
    capture = await get(own("capture"));
  } catch (error) {
    if (capture) notice("changed", notCaptured(/** @type {any} */ (error).message));
    else await showMissing(/** @type {any} */ (error));
    return;
  }
  document.title = `${capture.name} · Local Playground`;
  part("name").textContent = capture.name;
  const when = new Date(capture.captured_at);
  const time = when.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  part("captured").textContent = `Local Playground · captured ${time}`;
  notice("changed", null);
  showFindings(part("findings"), capture.findings);
  form.show(capture.inputs);
  if (!shown && !isBusy) part("outputs").replaceChildren(hint());
  calls.update();
  lock();
  editor.ask();
}

function hint() {
  const names = capture.outputs.map((/** @type {any} */ one) => one.label).join(", ");
  const text = names ? `Press Run to see: ${names}` : "This workflow has no Runflow Output node.";
  return element("p", { class: "help" }, text);
}

/** @param {Error & {fix?: string}} error */
async function showMissing(error) {
  const others = await get("_captures").catch(() => ({ captures: [] }));
  const links = others.captures.map((/** @type {string} */ slug) =>
    element("li", {}, element("a", { href: encodeURIComponent(slug) }, slug)),
  );
  part("main").hidden = true;
  part("missing").hidden = false;
  part("missing").replaceChildren(
    element("h2", { role: "alert" }, `${SLUG}: ${error.message}`),
    element("p", {}, error.fix ?? ""),
    ...(links.length ? [element("p", {}, "These were captured:"), element("ul", {}, ...links)] : []),
  );
}

part("form").addEventListener("submit", start);
cancelButton.addEventListener("click", () => runner.isStopping || runner.cancel());

// What was typed outlives a reload of the page, in this tab.
const TYPED = `runflow.playground.typed.${SLUG}`;
window.addEventListener("pagehide", () => {
  if (capture) sessionStorage.setItem(TYPED, JSON.stringify(form.typed()));
});

await load();
if (capture) {
  const typed = JSON.parse(sessionStorage.getItem(TYPED) ?? "null");
  if (typed) form.load(typed.values, typed.wired);
  await readHistory();
  const under = runs.find((one) => one.state === "queued");
  if (under) runner.follow(under);
  else if (runs.length) showRun(runs[0]);
}
