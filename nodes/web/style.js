// Style sheets, asked for when something is shown: what all of the pack has in common, then its own.

import { element } from "./elements.js";

const COMMON = new URL("./runflow.css", import.meta.url);

/** @type {Map<string, Promise<void>>} */
const loading = new Map();

/**
 * Resolves when the common sheet (for what has the class `runflow`) and these hold, or cannot be had.
 * @param {...URL} own
 * @returns {Promise<void>}
 */
export async function style(...own) {
  await Promise.all([COMMON, ...own].map(load));
}

/** @param {URL} url @returns {Promise<void>} */
function load(url) {
  const known = loading.get(url.href);
  if (known) return known;
  const done = new Promise((/** @type {(value: void) => void} */ resolve) => {
    const link = element("link", { rel: "stylesheet", href: url.href });
    link.addEventListener("load", () => resolve());
    link.addEventListener("error", () => resolve());
    document.head.append(link);
  });
  loading.set(url.href, done);
  return done;
}
