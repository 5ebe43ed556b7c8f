// Numbers as texts: whole ones of any size keep all their digits. Pure.

const WHOLE = /^[-+]?\d{1,400}$/;
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/** The JSON text of what was typed; what is no number goes as text, and the server says so.
 * @param {string} typed @returns {string | null} null: nothing was typed */
export function numberText(typed) {
  const text = typed.trim();
  if (text === "") return null;
  if (WHOLE.test(text)) return BigInt(text.replace("+", "")).toString();
  const number = NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? String(number) : JSON.stringify(text);
}

/** One step up or down, within the limits.
 * @param {string} typed @param {number} direction 1 or -1
 * @param {{type: string, minimum: string | null, maximum: string | null, step: string | null}} row */
export function stepped(typed, direction, row) {
  const text = numberText(typed) ?? row.minimum ?? "0";
  if (row.type === "INT" && WHOLE.test(text)) {
    const step = row.step && WHOLE.test(row.step) ? BigInt(row.step) : 1n;
    let value = BigInt(text) + BigInt(direction) * step;
    if (row.maximum && WHOLE.test(row.maximum) && value > BigInt(row.maximum))
      value = BigInt(row.maximum);
    if (row.minimum && WHOLE.test(row.minimum) && value < BigInt(row.minimum))
      value = BigInt(row.minimum);
    return value.toString();
  }
  const number = Number(text);
  if (!Number.isFinite(number)) return typed;
  const step = Number(row.step ?? 0) || 0.1;
  const decimals = Math.max(decimalsOf(String(step)), decimalsOf(text));
  let value = number + direction * step;
  if (row.maximum !== null) value = Math.min(value, Number(row.maximum));
  if (row.minimum !== null) value = Math.max(value, Number(row.minimum));
  return String(Number(value.toFixed(Math.min(decimals, 20))));
}

/** @param {string} text */
function decimalsOf(text) {
  const [mantissa, exponent = "0"] = text.toLowerCase().split("e");
  return Math.max(0, (mantissa.split(".")[1] ?? "").length - Number(exponent));
}

/** @param {{type: string, minimum: string | null, maximum: string | null}} row */
export function limitsText({ minimum, maximum }) {
  if (minimum !== null && maximum !== null) return `${minimum} to ${maximum}`;
  if (minimum !== null) return `at least ${minimum}`;
  return maximum === null ? "" : `at most ${maximum}`;
}

/** @param {number} bytes */
export function sizeText(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** @param {number} count of random bytes, as hex; also where there is no secure context */
export function randomHex(count) {
  const bytes = crypto.getRandomValues(new Uint8Array(count));
  return [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
}
