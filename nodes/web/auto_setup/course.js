// How an installation goes: the state of each row, and of all together. No DOM.

import { sizeText } from "./texts.js";

const ENDED = ["done", "failed", "stopped"];

export class Course {
  wantsRestart = false;

  /** @param {import("./choice.js").Row[]} rows those that are installed */
  constructor(rows) {
    this.rows = rows;
    /** @type {Record<string, {status: string, received: number, line: string, findings: any[]}>} */
    this.of = Object.fromEntries(
      rows.map((row) => [row.id, { status: "waiting", received: 0, line: "", findings: [] }]),
    );
  }

  /** @param {any} event of the job */
  take(event) {
    if (event.step === "row" && event.row in this.of) {
      const row = this.of[event.row];
      Object.assign(row, { status: event.status, findings: event.findings ?? [], line: "" });
    }
    for (const [id, count] of Object.entries(event.received ?? {}))
      if (id in this.of) this.of[id].received = /** @type {number} */ (count);
    for (const [id, line] of Object.entries(event.lines ?? {}))
      if (id in this.of) this.of[id].line = /** @type {string} */ (line);
  }

  /** @param {any} last the job's last event; one that was cancelled or lost says nothing of rows */
  end(last) {
    for (const row of Object.values(this.of)) if (!ENDED.includes(row.status)) row.status = "stopped";
    const packs = this.rows.filter((row) => row.kind === "pack");
    const isNew = !last.lost && packs.some((row) => this.of[row.id].status === "done");
    this.wantsRestart = last.restart ?? isNew;
  }

  /** @param {string} kind @param {string} status */
  count(kind, status) {
    return this.rows.filter((row) => row.kind === kind && this.of[row.id].status === status).length;
  }

  /** Bytes of all models in words, and the part of them that has come; null: nobody knows yet. */
  bytes() {
    const models = this.rows.filter((row) => row.kind === "model");
    const of = (/** @type {any} */ row) => this.of[row.id];
    const received = models.reduce((sum, row) => sum + of(row).received, 0);
    if (models.every((row) => row.size !== undefined || of(row).status === "done")) {
      const total = models.reduce((sum, row) => sum + (row.size ?? of(row).received), 0);
      return { text: `${sizeText(received)} of ${sizeText(total)}`, part: received / (total || 1) };
    }
    const ended = models.every((row) => ENDED.includes(of(row).status));
    const part = ended ? this.count("model", "done") / models.length : null;
    return { text: received ? `${sizeText(received)} so far` : "", part };
  }

  get hasModels() {
    return this.count("model", "done") > 0;
  }

  summary() {
    const states = Object.values(this.of).map((row) => row.status);
    const done = states.filter((one) => one === "done").length;
    const failed = states.filter((one) => one === "failed").length;
    const parts = [
      `${done} of ${states.length} installed`,
      this.rows.some((row) => row.kind === "model") ? this.bytes().text : "",
      failed ? `${failed} failed` : "",
      states.includes("stopped") ? "the rest was stopped; what came of it is kept" : "",
      this.wantsRestart ? "restart ComfyUI to load the nodes" : "",
    ];
    return parts.filter(Boolean).join(" · ");
  }
}
