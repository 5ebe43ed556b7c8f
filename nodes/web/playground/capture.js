// From the editor to the playground: the graph is captured on the server, the page opened.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { post } from "../requests.js";
import { nameProblem, slugOf } from "../slug.js";
import { markOf } from "./mark.js";

/** What the graph that is open is called: by its Deploy node, else by its file. */
export function currentName() {
  const deploy = graph().nodes.find((/** @type {any} */ one) => one.type === "RunflowDeploy");
  const named = deploy?.widgets?.find((/** @type {any} */ one) => one.name === "endpoint_name");
  const typed = String(named?.value ?? "").trim();
  const file = app.extensionManager?.workflow?.activeWorkflow?.filename;
  return typed || String(file ?? "").trim() || "workflow";
}

/** @returns {string} */
export const currentMark = () => markOf(graph().serialize());

/**
 * Keep what is open under this name. Throws RefusedError.
 * @param {string} name
 * @returns {Promise<{slug: string, runnable: boolean, findings: any[]}>}
 */
export function capture(name) {
  const saved = graph().serialize();
  return post("/playground/_captures", { name, graph: saved, mark: markOf(saved) });
}

/**
 * Capture what is open, and show it in a tab of its own. Throws RefusedError.
 * @param {string} [name]
 */
export async function openPlayground(name = currentName()) {
  // Opened before anything is waited for, or the browser takes it for a window nobody asked for.
  const page = nameProblem(name) ? null : window.open("", `runflow-playground-${slugOf(name)}`);
  let slug;
  try {
    ({ slug } = await capture(name));
  } catch (error) {
    if (page?.location.href === "about:blank") page.close();
    throw error;
  }
  const url = api.fileURL(`/runflow/playground/${slug}`);
  if (page) page.location.replace(url);
  else window.open(url, `runflow-playground-${slug}`);
}

const graph = () => app.rootGraph ?? app.graph;
