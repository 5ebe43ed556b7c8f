// The control of pictures and files: chosen, dropped or pasted, sent at once, with a preview.

import { element } from "./elements.js";
import { randomHex, sizeText } from "./numbers.js";
import { comfyui, upload } from "./requests.js";

export const FOLDER = "runflow-playground"; // below ComfyUI's input folder; each upload in one of its own

/** @param {import("./fields.js").Row} row @param {string} id @param {() => void} touched
 * @returns {import("./fields.js").Control} */
export function fileControl(row, id, touched) {
  const isImage = row.type === "IMAGE";
  /** @type {string | null} */
  let name = null; // below the input folder
  /** @type {{answer: Promise<any>, stop: () => void} | null} */
  let sending = null;
  let blob = "";

  const preview = /** @type {HTMLImageElement} */ (
    element("img", { class: "preview", alt: "", hidden: true })
  );
  preview.onerror = () => {
    preview.hidden = true;
  };
  const state = element("span", { class: "file-name", role: "status" });
  const picker = /** @type {HTMLInputElement} */ (
    element("input", {
      id,
      type: "file",
      class: "unseen",
      accept: isImage ? "image/*" : "",
      onchange: () => {
        take(picker.files ?? []);
        picker.value = ""; // so that the same file can be chosen again
      },
    })
  );
  const button = element(
    "label",
    { class: "button", htmlFor: id, "aria-hidden": "true" },
    isImage ? "Choose a picture" : "Choose a file",
  );
  const words = isImage ? "or drop it here, or paste it" : "or drop it here";
  const place = element(
    "div",
    {
      class: "drop",
      ondragover: (/** @type {DragEvent} */ event) => {
        event.preventDefault();
        place.classList.add("over");
      },
      ondragleave: () => place.classList.remove("over"),
      ondrop: (/** @type {DragEvent} */ event) => {
        event.preventDefault();
        place.classList.remove("over");
        take(event.dataTransfer?.files ?? []);
      },
    },
    preview,
    element("div", { class: "pick" }, picker, button, element("span", { class: "help" }, words)),
    state,
  );

  /** @param {FileList | File[]} files */
  function take(files) {
    const [file] = files;
    if (!file) return;
    if (isImage && !file.type.startsWith("image/")) {
      state.textContent = `${file.name} is no picture`;
      return;
    }
    sending?.stop();
    name = null;
    show(file);
    state.textContent = `Sending ${file.name}…`;
    const sent = (/** @type {number} */ part) => {
      state.textContent = `Sending ${file.name}: ${Math.round(part * 100)} %`;
    };
    const mine = isImage ? sendImage(file, sent) : sendFile(file, sent);
    sending = mine;
    mine.answer.then(
      (answer) => {
        if (sending !== mine) return;
        name = isImage ? `${answer.subfolder}/${answer.name}` : answer.name;
        state.textContent = `${file.name}, ${sizeText(file.size)}`;
        touched();
      },
      (error) => {
        if (sending !== mine) return;
        state.textContent = [`${file.name}: ${error.message}`, error.fix].filter(Boolean).join("; ");
        hide();
      },
    );
    mine.answer
      .catch(() => null)
      .then(() => {
        if (sending === mine) sending = null;
      });
  }

  /** @param {Blob | string} what a file, or a name below the input folder */
  function show(what) {
    hide();
    if (!isImage) return;
    if (typeof what !== "string") blob = URL.createObjectURL(what);
    preview.src = typeof what === "string" ? viewOf(what) : blob;
    preview.alt = `The picture for ${row.label}`;
    preview.hidden = false;
  }

  function hide() {
    if (blob) URL.revokeObjectURL(blob);
    blob = "";
    preview.hidden = true;
    preview.removeAttribute("src");
  }

  return {
    element: place,
    main: picker,
    read: () => (name === null ? null : JSON.stringify(name)),
    show: (value) => {
      sending?.stop();
      sending = null;
      name = value === null ? null : String(JSON.parse(value));
      state.textContent = name === null ? "" : (name.split("/").pop() ?? "");
      if (name === null) hide();
      else show(name);
    },
    pending: async () => {
      await sending?.answer.catch(() => null);
    },
    stop: () => {
      sending?.stop();
      hide();
    },
    take,
  };
}

/** @param {string} name below the input folder */
function viewOf(name) {
  const parts = name.split("/");
  const filename = parts.pop() ?? "";
  const query = new URLSearchParams({ filename, subfolder: parts.join("/"), type: "input" });
  return comfyui(`view?${query}`);
}

/** @param {File} file @param {(part: number) => void} sent */
function sendImage(file, sent) {
  const form = new FormData();
  form.append("type", "input");
  form.append("subfolder", `${FOLDER}/${randomHex(4)}`); // nothing there that could be overwritten
  form.append("image", file, safeName(file.name));
  return upload(comfyui("upload/image"), form, sent);
}

/** @param {File} file @param {(part: number) => void} sent */
function sendFile(file, sent) {
  const form = new FormData();
  form.append("place", "playground");
  form.append("file", file, file.name);
  return upload("../upload-input-file", form, sent);
}

/** The picture's name, of letters, digits and what every system takes; ComfyUI checks nothing.
 * @param {string} name */
function safeName(name) {
  const plain = name.normalize("NFC").replace(/[^\p{L}\p{N}._ -]/gu, "_").replace(/^[. ]+/, "");
  const [, stem, end] = /^(.*?)(\.[A-Za-z0-9]{1,8})?$/su.exec(plain) ?? [];
  return `${[...(stem || "image")].slice(0, 40).join("").trim()}${end ?? ".png"}`;
}
