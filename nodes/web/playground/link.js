// Answers the playground's pages in other tabs: whether the graph is still what they show.

import { slugOf } from "../slug.js";
import { capture, currentMark, currentName } from "./capture.js";

const CHANNEL = "runflow.playground"; // as in nodes/playground/editor_link.js

export function answerPlaygrounds() {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = async ({ data }) => {
    const name = currentName();
    const slug = slugOf(name);
    if (data?.type === "ask") channel.postMessage({ type: "mark", slug, mark: currentMark() });
    if (data?.type !== "capture" || data.slug !== slug) return;
    try {
      await capture(name);
      channel.postMessage({ type: "captured", slug });
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      channel.postMessage({ type: "refused", slug, message });
    }
  };
}
