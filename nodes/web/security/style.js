// The panel's style sheet, asked for when something of it is shown.

import { element } from "../elements.js";

const STYLE = new URL("./security.css", import.meta.url).href;
/** @type {Promise<void> | undefined} */
let loading;

/** Resolves when it holds, or cannot be had. @returns {Promise<void>} */
export function loadStyle() {
  loading ??= new Promise((done) => {
    const link = element("link", { rel: "stylesheet", href: STYLE });
    link.addEventListener("load", () => done());
    link.addEventListener("error", () => done());
    document.head.append(link);
  });
  return loading;
}
