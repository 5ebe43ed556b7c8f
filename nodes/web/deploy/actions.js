// What the buttons of the Deploy node do: ask what is open, send the graph, follow the job.

import { app } from "../../../scripts/app.js";
import { askForKey, hasOnce, state, takeOnce } from "../connection/keys.js";
import { ask } from "../dialog.js";
import { follow } from "../jobs.js";
import { openPlayground as openCaptured } from "../playground/capture.js";
import { get, post } from "../requests.js";
import { nameProblem, slugOf } from "../slug.js";
import { Panel } from "./panel.js";

export const CLASS = "RunflowDeploy";
const DEPLOYED = "Runflow deployed as"; // property of the node: the slug of before
const FOLDER = "runflow.folder"; // in localStorage: where files were saved the last time
const SPEC = "runflow.yaml"; // what a person may have to write into
const NOT_OURS = "endpoint-not-ours";
const NO_GOOD_KEY = "api-unauthorized";

/** @type {{job: string, panel: Panel} | null} what this page follows */
let running = null;

/** @typedef {{node: any, name: string, host: string}} Wish */
/** @typedef {{adopt?: boolean, upgrade?: boolean}} More */

/** @param {string} what is done @param {{name: string}} wish whose name may be empty yet */
const heading = (what, { name }) => (name.trim() ? `${what}: ${name}` : what);

/** @param {Wish} wish @param {More} [more] */
export async function deploy(wish, more = {}) {
  const panel = new Panel(heading("Deploy", wish), (added) => deploy(wish, { ...more, ...added }));
  try {
    if (!named(wish, panel) || !(await renamed(wish))) return;
    const where = await destination(wish);
    if (!where) return;
    const body = { graph: graph(), name: wish.name, ...where, ...more };
    const last = await followDeploy(panel, await post("/deploy", body), wish.node);
    if (hasCode(last, NO_GOOD_KEY))
      panel.offer("Type another key", async () => (await askForKey(where.host)) && deploy(wish, more));
  } catch (error) {
    await refused(panel, error);
  }
}

/**
 * @param {Panel} panel @param {{job: string, folder: string}} begun
 * @param {any} node that is deployed; none: not in this graph
 */
async function followDeploy(panel, { job, folder }, node) {
  const last = await followed(panel, job);
  if (last.state === "done") deployed(node, last, panel);
  if (last.state === "cancelled") panel.say("Cancelled. Nothing was published.", "failed");
  const inSpec = last.findings?.some((/** @type {any} */ one) => one.where?.file === SPEC);
  if (last.state === "failed" && inSpec) panel.rows([["Project folder", folder]]);
  if (hasCode(last, NOT_OURS)) panel.offerAgain("Take the endpoint over", { adopt: true });
  return last;
}

/** @param {any} last event of a job @param {string} code */
const hasCode = (last, code) => last.findings?.some((/** @type {any} */ one) => one.code === code);

/** @param {Wish} wish @param {More} [more] */
export async function saveFiles(wish, more = {}) {
  const again = (/** @type {More} */ added) => saveFiles(wish, { ...more, ...added });
  const panel = new Panel(heading("Save as files", wish), again);
  try {
    if (!named(wish, panel)) return;
    const slug = slugOf(wish.name);
    const answer = await ask({
      title: "Save as files",
      lines: ["Writes runflow.yaml, the workflow, runflow.lock and what belongs to them, for git."],
      fields: [
        {
          name: "folder",
          label: "Folder on the machine that runs ComfyUI",
          value: localStorage.getItem(FOLDER) ?? `~/runflow/${slug}`,
          hint: "Absolute, or relative to the home folder. A project that is there gets the endpoint.",
        },
      ],
      choices: [
        { label: "Cancel", value: "cancel" },
        { label: "Save", value: "save", needs: "folder", primary: true },
      ],
    });
    if (answer?.choice !== "save") return;
    const { folder } = answer.values;
    const { job } = await post("/save", { graph: graph(), name: wish.name, folder, ...more });
    localStorage.setItem(FOLDER, folder);
    await followSave(panel, job);
  } catch (error) {
    await refused(panel, error);
  }
}

/** @param {Panel} panel @param {string} job */
async function followSave(panel, job) {
  const last = await followed(panel, job);
  if (last.state === "done")
    panel.result(`Saved in ${last.folder}`, [["git", `cd ${quoted(last.folder)} && git add .`]]);
  if (last.state === "cancelled")
    panel.say("Cancelled. What the steps before wrote is there, and whole.", "failed");
}

/** @param {Panel} panel @param {string} job @returns {Promise<any>} its last event */
async function followed(panel, job) {
  running = { job, panel };
  const last = await panel.follow(job, follow);
  running = null;
  post("/deploy/shown", { job }).catch(() => {}); // the next page need not show it
  return last;
}

/**
 * Show what runs, whoever started it; else how the last one ended, if no page has shown that.
 * @returns {Promise<Panel | null>}
 */
export async function resume() {
  const latest = await get("/deploy").catch(() => ({}));
  const { job, kind, slug } = latest;
  if (!job) return null;
  if (running?.job === job) {
    await running.panel.show();
    return running.panel;
  }
  const node = deployNodes().find((one) => slugOf(wishOf(one).name) === slug);
  const isSave = kind === "save";
  const act = (/** @type {More} */ more) => (isSave ? saveFiles : deploy)(wishOf(node), more);
  const panel = new Panel(heading(isSave ? "Save as files" : "Deploy", latest), node && act);
  if (isSave) followSave(panel, job);
  else followDeploy(panel, latest, node);
  return panel;
}

/** What stands in the way; where it is another deploy, that one. @param {Panel} panel @param {any} error */
async function refused(panel, error) {
  const other = error.code === "deploy-running" ? await resume() : null;
  if (other) other.say("This one is still running. Deploy again when it has ended, or cancel it.");
  else panel.refused(error);
}

/** @param {Wish} wish */
export async function openPlayground(wish) {
  const panel = new Panel("Playground");
  try {
    if (named(wish, panel)) await openCaptured(wish.name);
  } catch (error) {
    panel.refused(/** @type {any} */ (error));
  }
}

/** @param {any} node @param {any} done @param {Panel} panel */
function deployed(node, done, panel) {
  if (node) (node.properties ??= {})[DEPLOYED] = done.slug;
  const toast = app.extensionManager?.toast;
  toast?.add({ severity: "success", summary: "Deployed ✓", detail: done.url ?? done.slug, life: 8000 });
  const what = done.action === "unchanged" ? "It is there already, exactly like this." : done.action;
  panel.result(`Deployed ✓  ${what}`, [
    ["URL", done.url],
    ["curl", done.curl],
  ]);
}

/**
 * Where to, and the key for it where one was typed for this time; null: the user does not want to.
 * @param {Wish} wish
 * @returns {Promise<{host: string, allow_host: string, key: string} | null>}
 */
async function destination(wish) {
  const known = await state(wish.host);
  let [url, host] = [known.url, known.host];
  if (known.named !== known.host) {
    const { named } = known;
    const answer = await ask({
      title: `Deploy to ${named}?`,
      lines: [
        `This workflow names the host ${named}. Your settings name ${known.host}.`,
        "Whoever made the workflow chose that host. It gets the graph, and the key that you have for it.",
      ],
      choices: [
        { label: "Cancel", value: "cancel" },
        { label: `Deploy to ${named}`, value: "named" },
        { label: `Deploy to ${known.host}`, value: "own", primary: true },
      ],
    });
    if (!answer || answer.choice === "cancel") return null;
    if (answer.choice === "named") [url, host] = [wish.host.trim(), named];
  }
  const there = known.hosts.some((one) => one.host === host);
  if (!there && !hasOnce(host) && !(await askForKey(url))) return null;
  return { host: url, allow_host: host, key: takeOnce(host) };
}

/** Say before what a new name means. @param {Wish} wish @returns {Promise<boolean>} */
async function renamed({ node, name }) {
  const before = node.properties?.[DEPLOYED];
  const slug = slugOf(name);
  if (!before || before === slug) return true;
  const answer = await ask({
    title: "This makes a new endpoint",
    lines: [
      `The workflow was deployed as ${before}. Under its new name it becomes ${slug}, at a URL of its own.`,
      `${before} stays as it is and goes on answering; delete it with: runflow delete ${before}`,
    ],
    choices: [
      { label: "Cancel", value: "cancel" },
      { label: `Deploy as ${slug}`, value: "deploy", primary: true },
    ],
  });
  return answer?.choice === "deploy";
}

/** @param {Wish} wish @param {Panel} panel */
function named({ node, name }, panel) {
  const problem = nameProblem(name);
  if (!problem) return true;
  panel.refused({
    code: "slug-invalid",
    message: name.trim() ? `“${name}” gives no slug: ${problem}` : problem,
    fix: "type a name with letters or digits into endpoint_name, such as Background Removal",
    where: { node: String(node.id), title: node.title, field: "endpoint_name" },
  });
  return false;
}

/** What a Deploy node asks for. @param {any} node @returns {Wish} */
export function wishOf(node) {
  const text = (/** @type {string} */ name) =>
    String(node.widgets?.find((/** @type {any} */ one) => one.name === name)?.value ?? "");
  return { node, name: text("endpoint_name"), host: text("host") };
}

/** @returns {any[]} */
const deployNodes = () =>
  (app.rootGraph ?? app.graph).nodes.filter((/** @type {any} */ one) => one.type === CLASS);

const graph = () => (app.rootGraph ?? app.graph).serialize();

const quoted = (/** @type {string} */ text) => `'${text.replaceAll("'", "'\\''")}'`;
