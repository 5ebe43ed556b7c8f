// What the buttons of the Deploy node do: ask what is open, send the graph, follow the job.

import { app } from "../../../scripts/app.js";
import { askForKey, hasOnce, hostOf, state, takeOnce } from "../connection/keys.js";
import { ask } from "../dialog.js";
import { follow } from "../jobs.js";
import { openPlayground as openCaptured } from "../playground/capture.js";
import { post } from "../requests.js";
import { nameProblem, slugOf } from "../slug.js";
import { Panel } from "./panel.js";

const DEPLOYED = "Runflow deployed as"; // property of the node: the slug of before
const FOLDER = "runflow.folder"; // in localStorage: where files were saved the last time
const NOT_OURS = "endpoint-not-ours";

/** @typedef {{node: any, name: string, host: string}} Wish */
/** @typedef {{adopt?: boolean, upgrade?: boolean}} More */

/** @param {Wish} wish @param {More} [more] */
export async function deploy(wish, more = {}) {
  const panel = new Panel("Deploy", again(deploy, wish));
  try {
    if (!named(wish, panel) || !(await renamed(wish))) return;
    const where = await destination(wish);
    if (!where) return;
    const body = { graph: graph(), name: wish.name, ...where, ...more };
    const { job } = await post("/deploy", body);
    const last = await panel.follow(job, follow);
    if (last.state === "done") deployed(wish, last, panel);
    else if (last.findings?.some((/** @type {any} */ one) => one.code === NOT_OURS))
      panel.offer("Take the endpoint over", () => deploy(wish, { ...more, adopt: true }));
  } catch (error) {
    panel.refused(/** @type {any} */ (error));
  }
}

/** @param {Wish} wish @param {More} [more] */
export async function saveFiles(wish, more = {}) {
  const panel = new Panel("Save as files", again(saveFiles, wish));
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
    const last = await panel.follow(job, follow);
    if (last.state !== "done") return;
    localStorage.setItem(FOLDER, folder);
    panel.result(`Saved in ${last.folder}`, [["git", `cd ${quoted(last.folder)} && git add -A`]]);
  } catch (error) {
    panel.refused(/** @type {any} */ (error));
  }
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

/** @param {Wish} wish @param {any} done @param {Panel} panel */
function deployed(wish, done, panel) {
  wish.node.properties ??= {};
  wish.node.properties[DEPLOYED] = done.slug;
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
  const known = await state();
  let [url, host] = [known.url, known.host];
  if (wish.host.trim() && hostOf(wish.host) !== known.host) {
    const named = hostOf(wish.host);
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
  if (!there && !hasOnce(host) && !(await askForKey(url, host))) return null;
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
    where: { node: String(node.id) },
  });
  return false;
}

/** @param {(wish: Wish, more: More) => void} act @param {Wish} wish */
const again = (act, wish) => (/** @type {More} */ more) => act(wish, more);

const graph = () => (app.rootGraph ?? app.graph).serialize();

const quoted = (/** @type {string} */ text) => `'${text.replaceAll("'", "'\\''")}'`;
