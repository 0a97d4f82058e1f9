// A form that starts something on a file of problems: what is refused is said at its end, but at the file what is about it.

import { fileField } from "./file_field.js";

/**
 * @typedef {object} StartAsks
 * @property {(given: Answers.SentFile & { skip: boolean }) => Promise<Answered<Answers.Begun | Answers.FileRefused>>} start
 *   asks the server to start it, with the file
 * @property {(run: string) => unknown} started is told the run
 */

/**
 * @param {Found} form
 * @param {FileAsks & StartAsks} asks
 */
export function fileForm(form, { check, example, changed, start, started }) {
  const refuse = (html) => {
    form.querySelector('[data-part="refused"]').innerHTML = html || "";
  };
  const file = fileField(form, {
    check(ask) {
      refuse("");
      return check(ask);
    },
    example,
    changed,
  });
  return {
    refuse,
    focus: file.focus,
    skips: file.skips,
    does: {
      example: file.example,
      skip() {
        refuse("");
        file.skip();
      },
    },
    async start() {
      const given = file.given(refuse);
      if (!given) return;
      const answer = await start(given);
      if (answer.field === "file") return file.refuse(answer.error);
      refuse(answer.error);
      if (answer.run) await started(answer.run);
    },
  };
}
