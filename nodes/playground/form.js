// The form: a field per input, with label, help, errors, and what it is as long as nobody touches it.

import { coded, element } from "./elements.js";
import { choiceControl, numberControl, switchControl, textControl } from "./fields.js";
import { fileControl } from "./file_field.js";

/** @typedef {import("./fields.js").Row} Row */
/** @typedef {import("./requests.js").Finding} Finding */

/** @param {Row} row */
function controlOf(row) {
  if (row.choices && (row.type === "STRING" || row.type === "COMBO")) return choiceControl;
  if (row.type === "INT" || row.type === "FLOAT") return numberControl;
  if (row.type === "BOOLEAN") return switchControl;
  return row.type === "IMAGE" || row.type === "FILE" ? fileControl : textControl;
}

class Field {
  /** @param {Row} row @param {number} place @param {() => void} changed */
  constructor(row, place, changed) {
    this.row = row;
    this.isTouched = false;
    this.changed = changed;
    const id = `input-${place}`;
    this.control = controlOf(row)(row, id, () => this.touched());
    this.errors = element("ul", { class: "errors", id: `${id}-errors` });
    this.note = element("span", { class: "note" });
    this.reset = element(
      "button",
      { type: "button", class: "link", hidden: true, onclick: () => this.clear(true) },
      "Reset",
      element("span", { class: "unseen" }, ` ${row.label}`),
    );
    const help = [row.help, this.control.hint].filter(Boolean).join(" · ");
    const helpId = `${id}-help`;
    const label = element("label", { htmlFor: id }, row.label);
    const star = element("span", { class: "required", title: "required", "aria-hidden": "true" }, "*");
    if (row.required && row.type !== "BOOLEAN") {
      this.control.main.setAttribute("aria-required", "true");
    }
    this.control.main.setAttribute("aria-describedby", `${helpId} ${id}-errors`);
    this.wire = row.wired && row.required ? this.wireSwitch(id) : null;
    this.element = element(
      "div",
      { class: `field ${row.type.toLowerCase()}`, "data-input": row.id },
      element("div", { class: "field-head" }, label, row.required && star, this.note, this.reset),
      this.wire?.parentElement,
      this.control.element,
      element("p", { class: "help", id: helpId }, help),
      this.errors,
    );
    this.clear(false);
  }

  /** @param {string} id */
  wireSwitch(id) {
    const box = /** @type {HTMLInputElement} */ (
      element("input", { type: "checkbox", checked: true, onchange: () => this.wired() })
    );
    element("label", { class: "wire" }, box, " Use what is wired in the workflow");
    box.id = `${id}-wire`;
    return box;
  }

  get usesWire() {
    return this.wire?.checked ?? false;
  }

  wired() {
    this.control.element.hidden = this.usesWire;
    this.showErrors([]);
    this.changed();
  }

  touched() {
    this.isTouched = true;
    this.showErrors([]);
    this.refresh();
    this.changed();
  }

  /** Back to what it is when nobody touches it. @param {boolean} byHand */
  clear(byHand) {
    this.isTouched = false;
    this.control.show(this.row.value);
    if (this.wire) this.wire.checked = true;
    if (this.wire) this.control.element.hidden = true;
    this.showErrors([]);
    this.refresh();
    if (byHand) {
      this.changed();
      this.control.main.focus();
    }
  }

  refresh() {
    const { row } = this;
    const own = { default: "default", workflow: "from the workflow" }[row.from] ?? "";
    const hasOwn = row.value !== null && !this.isTouched;
    const optional = row.required ? "" : row.wired ? "from the workflow unless given" : "optional";
    this.note.textContent = hasOwn ? own : optional;
    this.reset.hidden = !this.isTouched;
  }

  /** What is sent, as JSON text; null: nothing. */
  value() {
    if (this.usesWire) return null;
    const { row, isTouched } = this;
    const text = this.control.read();
    if (isTouched) return text;
    if (!row.required) return null;
    // An untouched switch says what it shows; an untouched empty text says nothing.
    return row.type === "BOOLEAN" || row.value !== null ? text : null;
  }

  /** @param {string | undefined} value @param {boolean} usesWire */
  load(value, usesWire) {
    this.clear(false);
    if (this.wire) {
      this.wire.checked = usesWire;
      this.control.element.hidden = usesWire;
    }
    if (value === undefined) return;
    this.control.show(value);
    this.isTouched = true;
    this.refresh();
  }

  /** @param {Finding[]} findings */
  showErrors(findings) {
    this.errors.replaceChildren(
      ...findings.map((one) =>
        element(
          "li",
          {},
          element("span", {}, ...coded(one.message)),
          one.fix && element("span", { class: "fix" }, ...coded(one.fix)),
          one.code === "input-missing" && this.emptyButton(),
        ),
      ),
    );
    const { main } = this.control;
    if (findings.length) main.setAttribute("aria-invalid", "true");
    else main.removeAttribute("aria-invalid");
    this.element?.classList.toggle("wrong", findings.length > 0);
  }

  /** The empty text is a text, too. */
  emptyButton() {
    if (this.row.type !== "STRING" || this.row.choices) return null;
    return element(
      "button",
      {
        type: "button",
        class: "link",
        onclick: () => {
          this.touched();
          this.control.main.focus();
        },
      },
      "Send it empty",
    );
  }
}

/** A file that misses its field would be opened by the browser, in place of the page.
 * @param {DragEvent} event */
function keepPage(event) {
  if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "none";
}

export class Form {
  /** @param {HTMLElement} place @param {() => void} changed */
  constructor(place, changed) {
    this.place = place;
    this.changed = changed;
    /** @type {Field[]} */
    this.fields = [];
    document.addEventListener("paste", (event) => this.paste(event));
    document.addEventListener("dragover", keepPage);
    document.addEventListener("drop", keepPage);
  }

  /** Show these rows; what was typed into rows that stay the same stays. @param {Row[]} rows */
  show(rows) {
    const typed = new Map(
      this.fields.filter((one) => one.isTouched).map((one) => [one.row.id, one]),
    );
    this.fields.forEach((one) => one.control.stop?.());
    this.fields = rows.map((row, place) => new Field(row, place, this.changed));
    for (const field of this.fields) {
      const former = typed.get(field.row.id);
      if (former?.row.type === field.row.type) {
        field.load(former.control.read() ?? undefined, former.usesWire);
      }
    }
    const none = element("p", { class: "help" }, "This workflow has no Runflow Input node.");
    this.place.replaceChildren(...(rows.length ? this.fields.map((one) => one.element) : [none]));
  }

  /** @returns {[string, string][]} */
  values() {
    return this.fields.flatMap((one) => {
      const value = one.value();
      return value === null
        ? []
        : [/** @type {[string, string]} */ ([one.row.id, value])];
    });
  }

  wired() {
    return this.fields.filter((one) => one.usesWire).map((one) => one.row.id);
  }

  /** What was typed and chosen, for `load`. */
  typed() {
    const values = this.fields.flatMap((one) => {
      const text = one.isTouched ? one.control.read() : null;
      return text === null ? [] : [[one.row.id, text]];
    });
    return { values: Object.fromEntries(values), wired: this.wired() };
  }

  /** When all files have arrived. */
  async ready() {
    await Promise.all(this.fields.map((one) => one.control.pending?.()));
  }

  /** @param {Record<string, string>} values @param {string[]} wired */
  load(values, wired) {
    for (const one of this.fields) one.load(values[one.row.id], wired.includes(one.row.id));
    this.changed();
  }

  /** Show each error at its field; returns those that have none.
   * @param {Finding[]} findings */
  showErrors(findings) {
    /** @param {Field} field */
    const mine = (field) => findings.filter((one) => one.where?.field === field.row.id);
    for (const one of this.fields) one.showErrors(mine(one));
    this.fields.find((one) => mine(one).length)?.control.main.focus();
    const known = new Set(this.fields.map((one) => one.row.id));
    return findings.filter((one) => !known.has(one.where?.field ?? ""));
  }

  /** A picture from the clipboard goes into the field where one is, else into the first that has
   * none. @param {ClipboardEvent} event */
  paste(event) {
    const images = [...(event.clipboardData?.files ?? [])].filter((one) =>
      one.type.startsWith("image/"),
    );
    const fields = this.fields.filter((one) => one.row.type === "IMAGE");
    if (!images.length || !fields.length) return;
    const target =
      fields.find((one) => one.element.contains(document.activeElement)) ??
      fields.find((one) => one.control.read() === null) ??
      fields[0];
    event.preventDefault();
    if (target.wire) target.wire.checked = false;
    if (target.wire) target.wired();
    target.control.take?.(images);
  }
}
