// Where points of the map stand on its canvas. Sizes are in CSS pixels; x grows to the right, y of the map upwards.

const LEAST = 40; // a map is never drawn as if it were smaller than this
const MOST_ZOOM = 40;

// The middle and the scale at which all points, and one more if given, are on a canvas of this size.
export function bounds(xs, ys, more, width, height) {
  const range = (values) => values.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
  const [left, right] = range(more ? [...xs, more[0]] : xs);
  const [low, high] = range(more ? [...ys, more[1]] : ys);
  const scale = Math.min(width / Math.max(right - left, LEAST), height / Math.max(high - low, LEAST));
  return { x: (left + right) / 2, y: (low + high) / 2, scale };
}

/**
 * A point of the map on the canvas.
 * @returns {[number, number]}
 */
export function placed(x, y, box, view, size) {
  const scale = box.scale * view.zoom;
  return [size.width / 2 + (x - box.x) * scale + view.x, size.height / 2 - (y - box.y) * scale + view.y];
}

// The view after zooming so many times nearer at a place of the canvas, which stays where it is; by 0 it is the whole map.
export function zoomed(view, by, x, y, size) {
  const to = by ? Math.min(MOST_ZOOM, Math.max(1, view.zoom * by)) : 1;
  if (to === 1) return { zoom: 1, x: 0, y: 0 };
  const [fromX, fromY] = [x - size.width / 2, y - size.height / 2];
  return {
    zoom: to,
    x: fromX - ((fromX - view.x) * to) / view.zoom,
    y: fromY - ((fromY - view.y) * to) / view.zoom,
  };
}

/** @typedef {(index: number) => boolean} Fits */

/**
 * The index of the point nearest to a place, at most `within` away; -1 if there is none. One that does not fit must be
 * nearer to be meant.
 * @param {number[][]} points
 * @param {number} x
 * @param {number} y
 * @param {number} within
 * @param {Fits} fits
 */
export function nearest(points, x, y, within, fits = () => true) {
  let [best, found] = [within * within, -1];
  points.forEach(([a, b], index) => {
    const far = (a - x) ** 2 + (b - y) ** 2 + (fits(index) ? 0 : 40);
    if (far < best) [best, found] = [far, index];
  });
  return found;
}

/**
 * The nearest point that lies more in a direction than to its side; the one we come from if there is none.
 * @param {number[][]} points
 * @param {number} from
 * @param {number} dx
 * @param {number} dy
 * @param {Fits} fits
 */
export function towards(points, from, dx, dy, fits = () => true) {
  const [x, y] = points[from];
  let [best, found] = [Infinity, from];
  points.forEach(([px, py], index) => {
    const [a, b] = [px - x, py - y];
    const [along, aside] = [a * dx + b * dy, Math.abs(a * dy - b * dx)];
    if (index === from || along <= 0.5 || aside > along || !fits(index)) return;
    if (along + 2 * aside < best) [best, found] = [along + 2 * aside, index];
  });
  return found;
}
