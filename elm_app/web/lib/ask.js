// Asks the server something: always an answer, and one with `error` and `lost` where there is none.

/**
 * @template S
 * @param {S} server
 * @returns {Asks<S>}
 */
export function asking(server) {
  return async (name, ask) => {
    let answer;
    try {
      answer = await /** @type {any} */ (server)[name](ask ?? {});
    } catch {
      answer = null;
    }
    if (answer && typeof answer === "object" && !answer.detail) return answer;
    return { error: '<p class="error"><strong>The program does not answer.</strong> See whether it still runs, and try again.</p>', lost: true };
  };
}
