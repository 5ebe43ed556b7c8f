// Building what the pack shows, from text that is never read as markup.

/**
 * @param {string} tag
 * @param {Record<string, any>} [properties] of the element; `class`, `on…` handlers, aria-…, data-…
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && !name.includes("-")) /** @type {any} */ (made)[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

/** What stands between `backticks` in a message, as code. @param {string} text */
export const coded = (text) =>
  text.split(/`([^`\n]+)`/).map((part, n) => (n % 2 ? element("code", {}, part) : part));
