// Style sheets, each asked for when something of it is shown.

import { element } from "./elements.js";

/** @type {Map<string, Promise<void>>} */
const loading = new Map();

/** Resolves when it holds, or cannot be had. @param {URL} url @returns {Promise<void>} */
export function style(url) {
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
