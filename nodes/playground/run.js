// One run: queued, followed until it has ended, cancelled. What the page shows of it comes from here.

import { interrupt, listen, queue, running, unqueue } from "./comfyui.js";
import { get, objectText, own, post } from "./requests.js";

const STOPPING = "Stopping: ComfyUI finishes what the node is doing";
const LOOK_MS = 2000; // besides listening: a lost connection loses no result

/**
 * @typedef {{state: string, text: string, part: number | null}} Shown `part`: 0 to 1; null: unknown
 */

export class Runner {
  /** @param {(shown: Shown) => void} show @param {(run: any) => void} ended */
  constructor(show, ended) {
    this.show = show;
    this.ended = ended;
    /** @type {string | null} */
    this.id = null;
    /** @type {Record<string, string>} */
    this.titles = {};
    this.finished = new Set();
    this.node = ""; // that runs
    this.isStopping = false;
    this.isConnected = true;
    listen(
      (type, data) => this.heard(type, data),
      (isOpen) => {
        this.isConnected = isOpen;
        if (isOpen && this.id) this.look();
      },
    );
  }

  /** Ask for the prompt, and queue it. Throws RefusedError with what is wrong with the values.
   * @param {[string, string][]} values @param {string[]} wired */
  async start(values, wired) {
    const body = objectText([
      ["values", objectText(values)],
      ["wired", JSON.stringify(wired)],
    ]);
    const { run, prompt, titles } = await post(own("prompt"), body);
    this.follow({ id: run, titles }); // before it is queued, to hear of its first nodes
    const problems = await queue(run, prompt);
    if (!problems.length) return this.look();
    const end = await this.refuse(run, problems);
    clearTimeout(this.timer);
    this.id = null;
    this.ended(end);
  }

  /** ComfyUI did not take it, or only a part of it, which is of no use.
   * @param {string} run @param {string[]} problems */
  async refuse(run, problems) {
    await unqueue(run);
    const end = { state: "failed", message: problems.join("\n") };
    return await post(own(`runs/${run}`), JSON.stringify(end));
  }

  /** Show how far a run is until it has ended; also one that an earlier page began.
   * @param {any} run */
  follow(run) {
    this.id = run.id;
    this.titles = run.titles ?? {};
    this.isStopping = false;
    this.node = "";
    this.finished.clear();
    this.tell(run);
    this.timer = setTimeout(() => this.look(), LOOK_MS);
  }

  async look() {
    clearTimeout(this.timer);
    const { id } = this;
    if (!id) return;
    const run = await get(own(`runs/${id}`)).catch((error) => ({ state: "queued", error }));
    if (this.id !== id) return;
    if (run.state !== "queued") {
      this.id = null;
      this.ended(run);
      return;
    }
    if (run.error) this.show({ state: "waiting", text: `${run.error.message}; asking again`, part: null });
    else this.tell(run);
    this.timer = setTimeout(() => this.look(), LOOK_MS);
  }

  /** @param {any} run as the server knows it */
  tell(run) {
    if (this.finished.size || this.node || this.isStopping) return; // said better already
    const { before } = run; // nothing: it is on its way into the queue
    const waiting = `Waiting: ${before} ${before === 1 ? "prompt" : "prompts"} before it`;
    const text = before ? waiting : before === 0 ? "Running" : "Starting";
    this.show({ state: before ? "waiting" : "running", text, part: null });
  }

  /** @param {string} type @param {any} data */
  heard(type, data) {
    if (!this.id || (data.prompt_id && data.prompt_id !== this.id)) return;
    if (type === "status") {
      if (!this.node) this.look();
      return;
    }
    if (data.prompt_id !== this.id) return;
    if (type === "execution_start") this.progress(null, 0);
    if (type === "execution_cached") for (const one of data.nodes ?? []) this.finished.add(one);
    if (type === "executing" && data.node) this.progress(data.node, 0);
    if (type === "progress") this.progress(data.node, data.value / data.max);
    if (type === "progress_state") this.states(Object.values(data.nodes ?? {}));
    if (/^execution_(success|error|interrupted)$/.test(type)) this.look();
    if (type === "executing" && data.node === null) this.look();
  }

  /** @param {any[]} nodes */
  states(nodes) {
    for (const one of nodes) if (one.state === "finished") this.finished.add(one.node_id);
    const current = nodes.find((one) => one.state === "running");
    if (current) this.progress(current.node_id, current.value / current.max);
  }

  /** @param {string | null} node @param {number} part */
  progress(node, part) {
    this.node = node ?? this.node;
    const all = Math.max(1, Object.keys(this.titles).length);
    const done = [...this.finished].filter((one) => one in this.titles && one !== node).length;
    const within = Number.isFinite(part) ? Math.min(1, Math.max(0, part)) : 0;
    const title = node ? (this.titles[node] ?? `node ${node}`) : "";
    const running = title ? `Running: ${title}, ${Math.min(done + 1, all)} of ${all}` : "Running";
    const text = this.isStopping ? STOPPING : running;
    this.show({ state: "running", text, part: Math.min(1, (done + within) / all) });
  }

  /** Take it out of the queue, or stop it where it is running. */
  async cancel() {
    const { id } = this;
    if (!id) return;
    await unqueue(id).catch(() => null);
    if ((await running().catch(() => [id])).includes(id)) {
      this.isStopping = true;
      this.show({ state: "running", text: STOPPING, part: null });
      await interrupt(id).catch(() => null);
      await this.look();
      return;
    }
    const run = await get(own(`runs/${id}`)).catch(() => null);
    if (run?.state === "queued") await post(own(`runs/${id}`), '{"state":"cancelled"}');
    await this.look();
  }

  /** @param {string} id */
  isFollowing(id) {
    return this.id === id;
  }
}
