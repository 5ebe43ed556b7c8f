// Following a job of the pack from its first event to its last, whatever the connection does.

import { api } from "../../scripts/api.js";
import { get, post } from "./requests.js";

const EVENT = "runflow.job";
const ASK_AGAIN_MS = 3000; // when events may have been lost on the way

// The editor complains of every message that nobody listens to, and jobs speak to all pages.
api.addEventListener(EVENT, () => {});

/**
 * Call `heard` with each event of the job, in order and once; resolves with the last one.
 * @param {string} id
 * A job that ended with its ComfyUI is `lost`.
 * @param {(event: any) => void} heard
 * @param {() => void} [unheard] called now and then while ComfyUI does not answer
 * @returns {Promise<any>}
 */
export function follow(id, heard, unheard = () => {}) {
  return new Promise((resolve) => {
    let last = 0;
    const take = (/** @type {any} */ event) => {
      if (event.number <= last) return;
      last = event.number;
      heard(event);
      if (event.state) end(event);
    };
    const listen = (/** @type {CustomEvent} */ { detail }) => {
      if (detail.job !== id) return;
      if (detail.number === last + 1) take(detail);
      else catchUp(); // one was lost, or is on its way by the other road
    };
    const catchUp = async () => {
      const told = await get(`/jobs/${id}?after=${last}`).catch((error) => ({ error }));
      if (told.error?.code === "job-unknown") end({ state: "failed", lost: true, findings: [] });
      else if (told.error) unheard();
      for (const event of told.events ?? []) take(event);
    };
    const timer = setInterval(catchUp, ASK_AGAIN_MS);
    const end = (/** @type {any} */ event) => {
      clearInterval(timer);
      api.removeEventListener(EVENT, listen);
      resolve(event);
    };
    api.addEventListener(EVENT, listen);
    catchUp();
  });
}

/** @param {string} id */
export const cancel = (id) => post(`/jobs/${id}/cancel`);
