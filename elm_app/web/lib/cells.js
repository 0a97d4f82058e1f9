// Cells in columns: where an arrow key leads, and which ones are open.

// From a place, [column, row], by a key to the next one; null where it leads nowhere. `heights` are the cells of each
// column; those without any are passed over.
export function moved(heights, [column, row], key) {
  const full = heights.flatMap((height, place) => (height ? [place] : []));
  const at = full.indexOf(column);
  const keys = { Home: full[0], End: full.at(-1), ArrowLeft: full[at - 1], ArrowRight: full[at + 1] };
  const to = { ...keys, ArrowUp: column, ArrowDown: column }[key];
  if (to === undefined) return null;
  const next = row + ({ ArrowUp: -1, ArrowDown: 1 }[key] ?? 0);
  if (next < 0 || (to === column && next >= heights[to])) return null;
  return [to, Math.min(next, heights[to] - 1)];
}

// The open cells after one was chosen: it closes if it was open, else it opens, in place of the second if there are two.
export function toggled(open, key) {
  return open.includes(key) ? open.filter((each) => each !== key) : [...open.slice(0, 1), key];
}
