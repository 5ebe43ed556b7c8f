// What the user chooses of a plan: rows, and answers to the questions that they ask. No DOM.

import { sizeText } from "./texts.js";

/** @typedef {{key: string, text: string, reasons: string[], required: boolean}} Ask */
/**
 * @typedef {{
 *   id: string, kind: "pack" | "model", name: string, state: string, asks: Ask[], size?: number,
 *   users: {node: string, title: string | null, class_type: string}[], findings: any[],
 *   source?: string, version?: string, size_text?: string, verified?: boolean, changes?: string[],
 *   note?: string,
 * }} Row
 */

/** @param {Row} row whether something can be done about it */
export const canBeDone = (row) => row.state === "missing" || row.state === "update";

export class Choice {
  /** @param {Row[]} rows */
  constructor(rows) {
    this.rows = rows;
    // A pack that is there already works for other workflows: to change it is the user's own idea.
    this.chosen = new Set(rows.filter((row) => row.state === "missing").map((row) => row.id));
    /** @type {Set<string>} keys of questions with a yes */
    this.yes = new Set();
  }

  /** @param {string} kind */
  of(kind) {
    return this.rows.filter((row) => row.kind === kind);
  }

  /** @param {Row} row the questions that want a yes first */
  lacks(row) {
    return row.asks.filter((ask) => ask.required && !this.yes.has(ask.key));
  }

  /** @param {string} kind all of it that can be done: chosen or not */
  chooseAll(kind, /** @type {boolean} */ wanted) {
    for (const row of this.of(kind).filter(canBeDone)) this.choose(row.id, wanted);
  }

  /** @param {string} id */
  choose(id, /** @type {boolean} */ wanted) {
    if (wanted) this.chosen.add(id);
    else this.chosen.delete(id);
  }

  /** @param {string} key */
  answer(key, /** @type {boolean} */ yes) {
    if (yes) this.yes.add(key);
    else this.yes.delete(key);
  }

  /** The rows that can be started now. */
  ready() {
    return this.rows.filter((row) => this.chosen.has(row.id) && !this.lacks(row).length);
  }

  /** What a start sends: no path and no address, only names of what the server has found. */
  toSend() {
    const ready = this.ready();
    const asked = new Set(ready.flatMap((row) => row.asks.map((ask) => ask.key)));
    return { rows: ready.map((row) => row.id), yes: [...this.yes].filter((key) => asked.has(key)) };
  }

  /** @returns {{text: string, ready: number}} */
  summary() {
    const open = this.rows.filter((row) => row.state !== "present");
    if (!this.rows.length) return { text: "This workflow needs nothing that is not there.", ready: 0 };
    if (!open.length) return { text: "All that this workflow needs is installed.", ready: 0 };
    const ready = this.ready();
    const waiting = this.rows.filter((row) => this.chosen.has(row.id) && this.lacks(row).length);
    const lost = open.filter((row) => !canBeDone(row));
    const size = ready.reduce((sum, row) => sum + (row.size ?? 0), 0);
    const parts = [
      `${open.length} ${open.length === 1 ? "thing" : "things"} that this workflow needs ` +
        `${open.length === 1 ? "is" : "are"} not installed`,
      size ? `${sizeText(size)} to download` : "",
      waiting.length ? `${waiting.length} ${waiting.length === 1 ? "wants" : "want"} a yes first` : "",
      lost.length ? `${lost.length} cannot be installed` : "",
    ];
    return { text: parts.filter(Boolean).join(" · "), ready: ready.length };
  }
}
