// Numbers as people read them. No DOM.

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** `1.5 GB`, as runflow_build/lock/file_facts.py says it. @param {number} size bytes */
export function sizeText(size) {
  let [value, unit] = [size, 0];
  while (value >= 1000 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${value >= 100 || unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit]}`;
}
