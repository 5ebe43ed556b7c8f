// Asking the pack's own routes: JSON in and out, and errors that say what, where and how to mend it.

import { api } from "../../scripts/api.js";

/** @typedef {{code: string, severity: string, message: string, where?: object, fix?: string}} Finding */

/** A refusal of one of our routes. */
export class RefusedError extends Error {
  /** @param {{code: string, message: string, fix?: string, findings?: Finding[]}} told */
  constructor(told) {
    super(told.message);
    this.code = told.code;
    /** @type {Finding[]} */
    this.findings = told.findings ?? [];
    this.fix = told.fix ?? this.findings[0]?.fix;
  }
}

/** What is wrong and how to mend it, in a line. @param {any} error @returns {string} */
export const explained = ({ message, fix }) => (fix ? `${message}. To mend it: ${fix}` : message);

/** @param {string} path below /runflow @returns {Promise<any>} */
export const get = (path) => ask(path, {});

/** @param {string} path below /runflow @param {object} body @returns {Promise<any>} */
export const post = (path, body = {}) =>
  ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

/** @param {string} path @param {FormData} form @returns {Promise<any>} */
export const upload = (path, form) => ask(path, { method: "POST", body: form });

/** @param {string} path @param {RequestInit} options */
async function ask(path, options) {
  let response;
  try {
    response = await api.fetchApi(`/runflow${path}`, options);
  } catch {
    throw new RefusedError({ code: "no-answer", message: "ComfyUI does not answer" });
  }
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  const unknown = { code: "no-json", message: `ComfyUI answered with status ${response.status}` };
  throw new RefusedError(answer?.error ?? unknown);
}
