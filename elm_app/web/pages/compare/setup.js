// The form of a new comparison: its file, its methods with what each will take, and the start. Stands behind compare.js
// in the same script.

import { fileForm } from "../../components/problem_file/file_form.js";

const PLAN_MS = 250; // after the last change, before it is asked what that takes
const form = part("setup");
let count = 0; // problems in the file
let fileName = "";
let planning = 0;
let plans = 0; // counts questions, so that a late answer to an old one is dropped

const file = fileForm(form, {
  check: (ask) => call("compare_check", ask),
  example: () => call("compare_example"),
  changed(problems = count, name = fileName) {
    count = problems;
    fileName = name;
    plan();
  },
  start: (given) => call("compare_start", { ...given, ...chosen() }),
  started: open,
});

function chosen() {
  const data = new FormData(form);
  const methods = data.getAll("method").map(String);
  data.delete("method");
  return { methods, fields: Object.fromEntries(data) };
}

async function plan() {
  const mine = ++plans;
  const answer = await call("compare_plan", { ...chosen(), count, name: fileName, skip: file.skips() });
  if (mine !== plans || answer.lost) return;
  part("estimate").innerHTML = answer.estimate || "";
  if (answer.error) return file.refuse(answer.error); // what the start was refused for stays until something is changed
  part("command").textContent = answer.command;
  for (const cost of form.querySelectorAll("[data-cost]")) cost.textContent = answer.costs[cost.dataset.cost] || "";
}

Object.assign(does, file.does, {
  async new() {
    root.dataset.open = "1";
    layout();
    file.focus();
    await plan();
  },
  close() {
    delete root.dataset.open;
    layout();
  },
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  once(file.start);
});
form.addEventListener("input", () => {
  file.refuse("");
  clearTimeout(planning);
  planning = setTimeout(plan, PLAN_MS);
});

open(wanted());
