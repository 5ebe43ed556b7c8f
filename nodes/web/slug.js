// The slug of an endpoint: its place in the URL. No DOM, no host.

const SPACE = "[\\t\\n\\v\\f\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff]";
const PORTS = ["com", "lpt"].flatMap((port) => [..."0123456789"].map((one) => `${port}${one}`));
const DEVICES = ["con", "prn", "aux", "nul", ...PORTS];
const API_WORDS = ["inputs", "outputs", "runs", "gpu-models", "workflows"];

/**
 * The endpoint's slug, by the rule of runflow_build/spec/slug.py (tests/cases/slug.json feeds both);
 * "" when nothing is left.
 * @param {string} name as the author typed it
 * @returns {string}
 */
export function slugOf(name) {
  const text = name
    .toLowerCase()
    .replace(new RegExp(`^${SPACE}+|${SPACE}+$`, "g"), "")
    .replace(new RegExp(`${SPACE}+`, "g"), "-")
    .replace(/[^a-z0-9_-]/g, "");
  return text.replace(/-+/g, "-").replace(/^[-_]+|[-_]+$/g, "");
}

/**
 * Why no endpoint can be called that; null when it can.
 * @param {string} name
 * @returns {string | null}
 */
export function nameProblem(name) {
  const slug = slugOf(name);
  if (!slug) return name.trim() ? "nothing is left of it as a slug" : "the endpoint has no name";
  if (DEVICES.includes(slug)) return "Windows keeps this name for a device";
  if (API_WORDS.includes(slug)) return "the API keeps this word for itself";
  return null;
}
