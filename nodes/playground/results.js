// What a run has given: per output its files, each shown as what it is, each to be downloaded.

import { element } from "./elements.js";
import { modelView } from "./model_view.js";
import { sizeText } from "./numbers.js";
import { comfyui } from "./requests.js";
import { openZoom } from "./zoom.js";

const FEW = 6; // outputs that stand one below the other
const LONGEST_TEXT = 256 * 1024; // bytes that are shown of a text

/** @typedef {{name: string, kind: string, size: number | null, query: string}} ResultFile */

/** @param {HTMLElement} place @param {any[]} outputs rows of the form @param {any} run */
export function showResults(place, outputs, run) {
  const known = outputs.map((one) => one.id);
  const more = Object.keys(run.files ?? {}).filter((one) => !known.includes(one));
  const rows = [...outputs, ...more.map((id) => ({ id, label: id }))];
  place.classList.toggle("many", rows.length > FEW);
  place.replaceChildren(
    ...rows.map(({ id, label, help }) => {
      const files = /** @type {ResultFile[]} */ (run.files?.[id] ?? []);
      const nothing = element("p", { class: "help" }, "Nothing came out here.");
      return element(
        "article",
        { class: "output", "data-output": id },
        element("h3", {}, label, label === id ? null : element("code", {}, ` ${id}`)),
        help && element("p", { class: "help" }, help),
        files.length
          ? element(
              "div",
              { class: files.length > 1 ? "files many" : "files" },
              ...files.map((one) => figure(one, label)),
            )
          : nothing,
      );
    }),
  );
}

/** @param {ResultFile} file @param {string} label */
function figure(file, label) {
  const url = comfyui(`view?${file.query}`);
  const size = file.size === null ? "" : ` (${sizeText(file.size)})`;
  const caption = element(
    "figcaption",
    {},
    file.size === null
      ? element("span", {}, `${file.name} is not in the folder any more`)
      : element("a", { href: url, download: file.name }, `Download ${file.name}${size}`),
  );
  return element("figure", { class: file.kind }, file.size !== null && view(file, url, label), caption);
}

/** @param {ResultFile} file @param {string} url @param {string} label */
function view(file, url, label) {
  const name = `${label}: ${file.name}`;
  switch (file.kind) {
    case "image": {
      const image = element("img", { src: url, alt: name });
      const open = () => openZoom(url, name);
      return element(
        "button",
        { type: "button", class: "picture", onclick: open, "aria-label": `Enlarge ${name}` },
        image,
      );
    }
    case "video":
      return element("video", {
        src: url,
        controls: true,
        loop: true,
        playsInline: true,
        preload: "metadata",
        "aria-label": name,
      });
    case "audio":
      return element("audio", { src: url, controls: true, preload: "metadata", "aria-label": name });
    case "text":
      return textView(url, name);
    case "model":
      return modelView(url, name);
    default:
      return element("p", { class: "help" }, "No preview of this kind of file.");
  }
}

/** @param {string} url @param {string} name */
function textView(url, name) {
  const box = element("pre", { tabIndex: 0, role: "region", "aria-label": name }, "Reading…");
  fetch(url)
    .then((answer) => (answer.ok ? answer.blob() : Promise.reject()))
    .then(async (blob) => {
      const text = await blob.slice(0, LONGEST_TEXT).text();
      box.textContent = blob.size > LONGEST_TEXT ? `${text}\n… (the rest is in the file)` : text;
    })
    .catch(() => {
      box.textContent = "The text cannot be read.";
    });
  return box;
}
