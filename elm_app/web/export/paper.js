// Formulas on paper, where nothing scrolls: two columns of cards if all formulas fit into them, else one, in which a
// formula that is wider yet is set smaller.

const TYPE = 12; // px of a trace's text on paper (9pt, export.css)
const [COLUMN, SHEET] = [300, 640]; // px of text across one of two columns, and across A4 or letter

// How wide a formula is on paper, in px, apart from the room around it; its own size is put back first.
function width(math) {
  math.style.fontSize = "";
  const content = document.createRange();
  content.selectNodeContents(math);
  return (content.getBoundingClientRect().width * TYPE) / parseFloat(getComputedStyle(math.closest(".text")).fontSize);
}

// Makes the formulas of all cards fit.
export function fitFormulas(root) {
  const wide = [...root.querySelectorAll(".card .text math")].map((math) => [math, width(math)]);
  root.querySelector(".elm-run").classList.toggle("columns", wide.every(([, px]) => px <= COLUMN));
  for (const [math, px] of wide) if (px > SHEET) math.style.fontSize = `${((1.06 * SHEET) / px).toFixed(3)}em`;
}
