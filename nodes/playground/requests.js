// Asking the server that this page came from: JSON in and out, errors that say how to mend them.

/** @typedef {{code: string, severity?: string, message: string, fix?: string,
 *   where?: {node?: string, title?: string, class_type?: string, field?: string},
 *   also?: {label: string, text: string}[]}} Finding */

export class RefusedError extends Error {
  /** @param {{code: string, message: string, fix?: string, findings?: Finding[]}} told */
  constructor(told) {
    super(told.message);
    this.code = told.code;
    this.fix = told.fix;
    /** @type {Finding[]} */
    this.findings = told.findings ?? [{ code: told.code, message: told.message, fix: told.fix }];
  }
}

/** The last part of this page's address, whatever stands before it. */
export const SLUG = decodeURIComponent(location.pathname.split("/").pop() ?? "");

/** @param {string} path of this capture */
export const own = (path) => `${encodeURIComponent(SLUG)}/${path}`;

/** @param {string} path of ComfyUI itself */
export const comfyui = (path) => `../../${path}`;

/** @param {string} path @returns {Promise<any>} */
export const get = (path) => ask(path, { cache: "no-store" });

/** @param {string} path @param {string} json text @returns {Promise<any>} */
export const post = (path, json = "{}") =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: json });

/** An object of names and JSON texts, as one JSON text: no number goes through a double.
 * @param {Iterable<[string, string]>} pairs */
export const objectText = (pairs) =>
  `{${[...pairs].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;

/** @param {string} path @param {RequestInit} options */
async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new RefusedError({ code: "no-answer", message: "ComfyUI does not answer" });
  }
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  throw refusal(response.status, answer);
}

/** @param {number} status @param {any} answer */
function refusal(status, answer) {
  if (typeof answer?.error?.code === "string") return new RefusedError(answer.error);
  const message =
    status === 413 ? "the file is larger than ComfyUI allows" : `ComfyUI answered ${status}`;
  const fix = status === 413 ? "start ComfyUI with a larger --max-upload-size" : undefined;
  return Object.assign(new RefusedError({ code: `status-${status}`, message, fix }), { answer });
}

/** Send a form, told how far it is, 0 to 1.
 * @param {string} path @param {FormData} form @param {(part: number) => void} sent
 * @returns {{answer: Promise<any>, stop: () => void}} */
export function upload(path, form, sent) {
  const request = new XMLHttpRequest();
  const answer = new Promise((resolve, reject) => {
    const lost = { code: "no-answer", message: "the file did not arrive" };
    request.upload.onprogress = (event) => event.total && sent(event.loaded / event.total);
    request.onerror = () => reject(new RefusedError(lost));
    request.onabort = () => reject(new RefusedError({ code: "stopped", message: "stopped" }));
    request.onload = () => {
      let told = null;
      try {
        told = JSON.parse(request.responseText);
      } catch {
        /* said by the status */
      }
      if (request.status < 300 && told) resolve(told);
      else reject(refusal(request.status, told));
    };
    request.open("POST", path);
    request.send(form);
  });
  return { answer, stop: () => request.abort() };
}
