// A key on its way from where it was typed to where it is kept; here it stays for one use at most.

import { ask } from "../dialog.js";
import { explained, get, post } from "../requests.js";

/**
 * @typedef {{url: string, host: string, url_from: string, has_key: boolean, named: string,
 *   hosts: {host: string, from: string}[]}} State `named`: the host of the address that was asked
 *   about, the settings' own for none; the server alone spells hosts
 */

/** @type {{host: string, key: string} | null} */
let once = null;
/** @type {Set<() => void>} */
const watchers = new Set();

/** @param {string} [url] as somebody typed it @returns {Promise<State>} */
export async function state(url = "") {
  const query = url.trim() && `?${new URLSearchParams({ url })}`;
  const known = await get(`/connection${query}`);
  return { named: known.host, ...known };
}

/** @param {() => void} changed called after every change @returns {() => void} to stop it */
export function watch(changed) {
  watchers.add(changed);
  return () => watchers.delete(changed);
}

/** @param {object} change @returns {Promise<State>} */
export async function change(change) {
  const after = await post("/connection", change);
  for (const one of watchers) one();
  return after;
}

/** The key that was typed for this host and nobody wanted kept; it is gone then. */
export function takeOnce(/** @type {string} */ host) {
  const key = once?.host === host ? once.key : "";
  if (key) once = null;
  return key;
}

/** @param {string} host */
export const hasOnce = (host) => once?.host === host;

/**
 * Ask what becomes of a key; true when it has found its place or was thrown away.
 * @param {string} key
 * @param {{url?: string, why: string, once?: boolean}} about `url`: what it is for, if not the
 *   settings' own address
 */
export async function offerKey(key, { url = "", why, once: allowed = true }) {
  const where = await meant(url);
  if (!where) return false;
  const answer = await ask({
    title: "Where should this API key go?",
    lines: [
      why,
      `It can be kept for ${where.host} and no other host, in a file on the machine that runs ComfyUI.`,
      "It does not stay in the workflow, so that no saved file, image or export has it.",
    ],
    choices: [
      { label: "Discard it", value: "discard" },
      ...(allowed ? [{ label: "Use it once", value: "once" }] : []),
      { label: `Keep it for ${where.host}`, value: "keep", primary: true },
    ],
  });
  if (answer?.choice === "keep") return keep(where.url, key);
  if (answer?.choice === "once") once = { host: where.host, key };
  return answer !== null;
}

/**
 * Ask for the key of a host, to be kept or for the next deploy; false when there is none.
 * @param {string} [url] the settings' own address, if none is given
 * @returns {Promise<boolean>}
 */
export async function askForKey(url = "") {
  const where = await meant(url);
  if (!where) return false;
  const { host, known } = where;
  const there = known.hosts.some((one) => one.host === host);
  const answer = await ask({
    title: there ? `Another API key for ${host}` : `There is no API key for ${host}`,
    lines: [
      "Make one in the Runflow app; for a server of your own: runflow keys create.",
      "Another server? Its address goes into Settings → Runflow → Connection.",
      ...(host === known.host ? [] : [`Your settings name ${known.host}: its key is not meant here.`]),
    ],
    fields: [
      {
        name: "key",
        label: "API key",
        type: "password",
        hint: "Kept in a file on the machine that runs ComfyUI, for this host and no other",
      },
    ],
    choices: [
      { label: "Cancel", value: "cancel" },
      { label: "Use it once", value: "once", needs: "key" },
      { label: "Keep it", value: "keep", needs: "key", primary: true },
    ],
  });
  const key = answer?.values.key.trim() ?? "";
  if (!key || answer?.choice === "cancel") return false;
  if (answer?.choice === "keep") return keep(where.url, key);
  once = { host, key };
  return true;
}

/**
 * The address that is meant, and its host; null, and said why, where the settings cannot be read
 * or the address is none.
 * @param {string} url
 */
async function meant(url) {
  try {
    const known = await state(url);
    return { url: url.trim() || known.url, host: known.named, known };
  } catch (error) {
    await say("No API key can be used now", error);
    return null;
  }
}

/** @param {string} url @param {string} key */
async function keep(url, key) {
  try {
    await change({ action: "keep-key", url, key });
    return true;
  } catch (error) {
    await say("The key was not kept", error);
    return false;
  }
}

/** @param {string} title @param {unknown} error */
const say = (title, error) =>
  ask({ title, lines: [explained(error)], choices: [{ label: "Close", value: "close" }] });
