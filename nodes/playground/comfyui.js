// ComfyUI's own routes, asked by the page itself: whatever password or address there is, it has.

import { randomHex } from "./numbers.js";
import { comfyui, get, post } from "./requests.js";

const CLIENT = "runflow.playground.client";
const AGAIN_MS = [500, 1000, 2000, 5000];

/** What ComfyUI calls this tab; a reloaded page goes on hearing of its run. */
export const clientId = (() => {
  const known = sessionStorage.getItem(CLIENT);
  const id = known ?? randomHex(16);
  sessionStorage.setItem(CLIENT, id);
  return id;
})();

/** Listen to the websocket, and come back to it when it is lost.
 * @param {(type: string, data: any) => void} heard @param {(isOpen: boolean) => void} changed */
export function listen(heard, changed) {
  let lost = 0;
  const connect = () => {
    const url = new URL(comfyui(`ws?clientId=${clientId}`), location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    socket.onopen = () => {
      lost = 0;
      changed(true);
    };
    socket.onmessage = ({ data }) => {
      if (typeof data !== "string") return; // a preview
      let told;
      try {
        told = JSON.parse(data);
      } catch {
        return;
      }
      heard(told.type, told.data ?? {});
    };
    socket.onclose = () => {
      changed(false);
      setTimeout(connect, AGAIN_MS[Math.min(lost, AGAIN_MS.length - 1)]);
      lost += 1;
    };
  };
  connect();
}

/** Queue a prompt under the id that the server chose; its id, or what ComfyUI has against it.
 * @param {string} run @param {string} prompt JSON text
 * @returns {Promise<string[]>} what is wrong; nothing when it is queued */
export async function queue(run, prompt) {
  const ids = `"client_id":${JSON.stringify(clientId)},"prompt_id":${JSON.stringify(run)}`;
  try {
    const told = await post(comfyui("prompt"), `{"prompt":${prompt},${ids}}`);
    return problemsOf(told);
  } catch (error) {
    const { answer } = /** @type {any} */ (error);
    const found = problemsOf(answer);
    if (found.length) return found;
    const { message, details } = answer?.error ?? {};
    if (message) return [[message, details].filter(Boolean).join(": ")];
    return [/** @type {Error} */ (error).message];
  }
}

/** @param {any} answer */
function problemsOf(answer) {
  return Object.entries(answer?.node_errors ?? {}).flatMap(([node, told]) =>
    (told.errors ?? []).map((/** @type {any} */ one) => {
      const what = [one.message, one.details].filter(Boolean).join(": ");
      return `node ${node} (${told.class_type}): ${what}`;
    }),
  );
}

/** Take a waiting prompt out of the queue. @param {string} run */
export const unqueue = (run) => postPlain("queue", { delete: [run] });

/** Stop a prompt that is running, and no other. @param {string} run */
export const interrupt = (run) => postPlain("interrupt", { prompt_id: run });

/** What is running. @returns {Promise<string[]>} ids */
export async function running() {
  const told = await get(comfyui("queue"));
  return (told?.queue_running ?? []).map((/** @type {any[]} */ item) => item[1]);
}

/** These two answer without a body. @param {string} path @param {object} body */
async function postPlain(path, body) {
  await fetch(comfyui(path), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}
