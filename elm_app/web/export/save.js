// A link to a finished run as one file: the server makes it (web/export/saving.py), the browser saves it. What goes wrong
// stands where the link is. Stands after run.js, in the same function.

import { download } from "../lib/download.js";
import { fragment } from "../lib/morph.js";

{
  const said = "save as one file";

  async function save(link) {
    if (link.getAttribute("aria-busy")) return;
    link.setAttribute("aria-busy", "true");
    link.textContent = "making the file …";
    const answer = await call("save", { run: link.dataset.save });
    link.removeAttribute("aria-busy");
    link.textContent = said;
    for (const old of link.parentElement.querySelectorAll(".error.save")) old.remove();
    if (!answer.error) return download(answer.file, answer.name);
    const told = fragment(answer.error).firstElementChild;
    told.classList.add("save");
    told.setAttribute("role", "alert");
    link.after(told);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-save]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    save(link);
  });
}
