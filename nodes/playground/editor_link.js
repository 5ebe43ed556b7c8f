// What an editor in another tab says: whether its graph is still the one that was captured.

const CHANNEL = "runflow.playground";
const ASK_MS = 3000;

/**
 * @param {() => {slug: string, mark: string} | null} capture the one on this page
 * @param {{differs: (isDifferent: boolean) => void, captured: () => void,
 *   failed: (message: string) => void}} told
 * @returns {{again: () => void, ask: () => void}}
 */
export function linkEditor(capture, told) {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }) => {
    const mine = capture();
    if (!mine || !data || typeof data !== "object") return;
    if (data.type === "mark" && data.slug === mine.slug) told.differs(data.mark !== mine.mark);
    if (data.type === "captured" && data.slug === mine.slug) told.captured();
    if (data.type === "refused" && data.slug === mine.slug) told.failed(String(data.message));
  };
  const ask = () => channel.postMessage({ type: "ask" });
  setInterval(() => document.visibilityState === "visible" && ask(), ASK_MS);
  document.addEventListener("visibilitychange", ask);
  window.addEventListener("focus", ask);
  return { ask, again: () => channel.postMessage({ type: "capture", slug: capture()?.slug }) };
}
