// What the security panel says, without a page.

/**
 * What `GET /runflow/security` tells.
 * @typedef {{
 *   password: "on" | "off" | "broken",
 *   username: string | null,
 *   reason: string | null,
 *   file: string,
 *   out_of_order: string | null,
 *   can_hash: boolean,
 *   shortest: number,
 *   encrypted: boolean,
 *   listens_to: {address: string, level: "good" | "unclear" | "bad", reached_by: string}[],
 *   port: number,
 *   scan: {ports: number[], address_services: string[], port_checker: string},
 * }} State
 */

/** @param {State} state @returns {string} */
export function stateText(state) {
  if (state.out_of_order) return `Nobody is asked for a password: ${state.out_of_order} is set`;
  if (state.password === "on") return `A password is asked for (user ${state.username})`;
  if (state.password === "broken") return `${state.file} is broken: ${state.reason}`;
  return "Nobody is asked for a password";
}

/** What more there is to know of the state; null: nothing.
 * @param {State} state @returns {string | null} */
export function advice(state) {
  if (state.out_of_order) {
    return (
      `Whoever reaches this ComfyUI is let in, whatever ${state.file} says. ` +
      `Start ComfyUI without ${state.out_of_order} as soon as you are back in.`
    );
  }
  if (!state.can_hash) {
    return (
      "No password can be set: the package argon2-cffi, which hashes it, is not there. Install it " +
      "with the Python that runs ComfyUI (python -m pip install argon2-cffi), and restart ComfyUI."
    );
  }
  const beyond = state.listens_to.some((one) => one.level !== "good");
  if (state.password === "on" && beyond && !state.encrypted) {
    return (
      "The password travels unencrypted, as everything that ComfyUI sends. Over networks that " +
      "you do not trust, use ComfyUI's --tls-keyfile and --tls-certfile, a VPN or an SSH tunnel."
    );
  }
  if (state.password === "off" && beyond) {
    return "Whoever reaches this ComfyUI can run whatever they like on this machine.";
  }
  return null;
}

/** What a scan does, before it is done.
 * @param {State} state @returns {string} */
export function privacyNote({ scan }) {
  const [first, ...others] = scan.address_services;
  return (
    `The scan asks ${first} for the public address of this machine; where it does not answer, ` +
    `${others.slice(0, -1).join(", ")} or ${others.at(-1)}. Each of them sees that address, as ` +
    `any site does that you visit. ${scan.port_checker} then gets the address and the port ` +
    `numbers ${scan.ports.join(", ")}, and tries to connect to them. Nothing of your workflows ` +
    "and files is sent, and nothing before you press the button."
  );
}

/** @type {Record<string, string>} */
export const LEVEL_WORDS = { good: "Safe", unclear: "Mind", bad: "Open" };
/** @type {Record<string, {word: string, level: string}>} */
export const PORT_WORDS = {
  open: { word: "OPEN to the internet", level: "bad" },
  closed: { word: "closed", level: "good" },
  unknown: { word: "could not be checked", level: "unclear" },
};
