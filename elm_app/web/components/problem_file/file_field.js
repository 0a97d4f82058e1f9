// A form's file of problems: chosen, dropped or the example, looked at by the server, with what is in it said below
// (web/components/problem_file/field.py).

/**
 * @typedef {object} FileAsks
 * @property {(ask: Answers.FileToRead) => Promise<Answered<Answers.FileContents>>} check asks the server what is in a file
 * @property {() => Promise<Answered<Answers.SentFile>>} example asks it for the example
 * @property {(problems?: number, name?: string) => void} [changed] is told how many problems there are
 */

/**
 * @param {Found} form
 * @param {FileAsks} asks
 */
export function fileField(form, { check, example, changed = () => {} }) {
  const at = (name) => form.querySelector(`[data-part="${name}"]`);
  const columns = form.elements.columns;
  let file = null; // { name, data } in base64, as it was chosen
  let chosen = null; // the same, whether it can be used or not
  let skip = false; // its bad rows are left out
  let checks = 0; // counts readings of a file, so that a late answer to an old one is dropped

  function refuse(html) {
    at("file").innerHTML = html || "";
    at("drop").classList.toggle("wrong", Boolean(html));
  }

  async function take(name, data) {
    file = chosen = { name, data };
    skip = false;
    at("bad").hidden = true;
    at("file").textContent = `Reading ${name}`;
    const mine = ++checks;
    const answer = await check({ ...chosen, columns: columns.value });
    if (mine !== checks) return;
    refuse(answer.error);
    if (answer.error) file = null;
    else {
      at("file").innerHTML = answer.told;
      at("rows-bad").innerHTML = answer.bad;
      at("bad").hidden = !answer.bad;
    }
    changed(answer.count || 0, name);
  }

  function read(given) {
    if (!given) return;
    const reader = new FileReader();
    reader.onload = () => take(given.name, String(reader.result).split(",")[1] || "");
    reader.onerror = () => refuse('<p class="error"><strong>The browser could not read the file.</strong> Choose it again.</p>');
    reader.readAsDataURL(given);
  }

  at("input").addEventListener("change", (event) => {
    read(event.target.files[0]);
    event.target.value = ""; // the same file can be chosen again, mended
  });
  columns.addEventListener("change", () => chosen && take(chosen.name, chosen.data));
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    at("drop").addEventListener(kind, (event) => {
      event.preventDefault();
      at("drop").classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop") read(event.dataTransfer.files[0]);
    });
  }
  return {
    refuse,
    async example() {
      const answer = await example();
      if (answer.error) return refuse(answer.error);
      await take(answer.name, answer.data);
    },
    skip() {
      skip = true;
      at("bad").hidden = true;
      at("file").append(" The other rows are left out.");
      changed();
    },
    skips: () => skip,
    focus: () => at("input").focus(),
    // What the server is to be given, or null and a sentence: at the field, or, about rows, by `told`.
    given(told) {
      if (!file) {
        if (!chosen) refuse('<p class="error"><strong>No file was chosen.</strong> Choose one, or take the example.</p>');
        at("drop").scrollIntoView({ block: "nearest" });
        return null;
      }
      if (!at("bad").hidden && !skip) {
        told('<p class="error"><strong>Some rows cannot be used.</strong> Go on without them, or choose another file.</p>');
        form.querySelector('[data-act="skip"]').focus();
        return null;
      }
      return { ...file, skip };
    },
  };
}
