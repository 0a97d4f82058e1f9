// The map of the memories on a canvas: thousands of points, what is searched for, what is selected.

import { bounds, nearest, placed, towards, zoomed } from "./memory_map_geometry.js";

export function makePlane(canvas, { pick, hover, legend }) {
  const style = () => getComputedStyle(document.body);
  let view = { zoom: 1, x: 0, y: 0 };
  /** @type {Answers.MapColumns} */
  let data = null; // the sample, and the others that are to be seen
  /** @type {Answers.MapColumns} */
  let sample = null;
  /** @type {Record<string, Answers.MapColumns | null>} */
  const others = {}; // what was searched for and what is selected, if the sample lacks it
  let colours = [];
  /** @type {Fits} */
  let fits = () => true;
  let by = "improved";
  let chosen = "";
  let query = null; // { at: [x, y], matches: [[id, score], …] }
  let over = -1;
  let place = new Map(); // id → index
  let box = { x: 0, y: 0, scale: 1 };
  let pending = 0;
  const PAD = 26;

  /** @param {Answers.MapColumns} columns */
  function set(columns) {
    sample = columns;
    merge();
  }

  // Points that must be drawn in any case: `why` names them, and has one set at a time.
  function also(why, columns) {
    others[why] = columns;
    if (sample) merge();
  }

  function merge() {
    const hovered = over < 0 ? "" : data.ids[over];
    data = { ...sample };
    const lists = ["ids", "x", "y", "state", "gain", "created", "model"];
    for (const name of lists) data[name] = [...sample[name]];
    const known = new Set(sample.ids);
    for (const more of Object.values(others).filter(Boolean)) {
      more.ids.forEach((id, index) => {
        if (known.has(id)) return;
        known.add(id);
        for (const name of lists) data[name].push(more[name][index]);
      });
    }
    place = new Map(data.ids.map((id, index) => [id, index]));
    over = place.get(hovered) ?? -1;
    paint();
  }

  // The colour of every point, and the legend that says what they mean.
  function paint() {
    if (!data) return;
    const css = style();
    const name = (key) => css.getPropertyValue(key).trim();
    const k = ["--line0", "--k1", "--k2", "--k3", "--k4", "--k5"].map(name);
    if (k[4] === k[0]) k[4] = name("--k0");
    const [quiet, none] = [name("--rule-strong"), name("--quiet")];
    const mix = (from, to, share) => `color-mix(in srgb, ${to} ${Math.round(share * 100)}%, ${from})`;
    const named = (pairs) => pairs.map(([colour, text, hollow]) => ({ colour, text, hollow }));
    if (by === "model") {
      colours = data.model.map((m) => k[m] || quiet);
      legend(named(data.models.slice(0, 6).map(([, id], m) => [k[m], id])));
    } else if (by === "enabled") {
      colours = data.state.map((s) => (s & 2 ? k[0] : quiet));
      legend(named([[k[0], "offered"], [quiet, "disabled", true]]));
    } else if (by === "gain") {
      const most = Math.max(10, ...data.gain.map((gain) => Math.abs(gain || 0)));
      const shades = new Map();
      const shade = (gain) => mix(name("--pale-point"), gain < 0 ? k[5] : k[0], Math.min(1, 0.12 + Math.abs(gain) / most));
      colours = data.gain.map((gain) => {
        if (gain === null) return quiet;
        if (!shades.has(gain)) shades.set(gain, shade(gain));
        return shades.get(gain);
      });
      legend([{ from: `−${most}`, to: `+${most} points`, scale: [k[5], name("--pale-point"), k[0]] }]);
    } else if (by === "age") {
      const known = data.created.filter(Boolean);
      const [first, last] = [Math.min(...known), Math.max(...known)];
      const shade = Array.from({ length: 17 }, (_, n) => mix(name("--pale-point"), name("--accent"), 0.1 + (0.9 * n) / 16));
      colours = data.created.map((t) => (t ? shade[Math.round(((t - first) / (last - first || 1)) * 16)] : quiet));
      const day = (t) => new Date(t * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
      legend(known.length ? [{ from: day(first), to: day(last), scale: [shade[0], shade[16]] }] : []);
    } else {
      colours = data.state.map((s) => (s & 1 ? k[0] : k[1]));
      legend(named([[k[0], "helped its problem"], [k[1], "did not"], [none, "disabled", true]]));
    }
    draw();
  }

  function fit() {
    if (!data?.ids.length) return;
    const [width, height] = [canvas.clientWidth - 2 * PAD, canvas.clientHeight - 2 * PAD];
    box = bounds(data.x, data.y, query?.at, width, height);
  }

  const size = () => ({ width: canvas.clientWidth, height: canvas.clientHeight });
  const at = (x, y) => placed(x, y, box, view, size());
  const spot = (index) => at(data.x[index], data.y[index]);
  const spots = () => (data ? data.ids.map((_, index) => spot(index)) : []);

  function draw() {
    if (!pending) pending = requestAnimationFrame(drawn);
  }

  function drawn() {
    pending = 0;
    const [w, h, ratio] = [canvas.clientWidth, canvas.clientHeight, window.devicePixelRatio || 1];
    if (!w || !data) return;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
    }
    fit();
    const paper = canvas.getContext("2d");
    paper.setTransform(ratio, 0, 0, ratio, 0, 0);
    paper.clearRect(0, 0, w, h);
    const css = style();
    const [ink, sheet] = [css.getPropertyValue("--ink").trim(), css.getPropertyValue("--sheet").trim()];
    const count = data.ids.length;
    const radius = (count < 60 ? 6 : count < 400 ? 4.5 : count < 2000 ? 3.5 : 2.5) * Math.min(2, Math.sqrt(view.zoom));
    const points = spots();
    const inside = ([x, y]) => x > -20 && y > -20 && x < w + 20 && y < h + 20;
    const shown = points.map((point, index) => inside(point) && (fits(index) ? 1 : 0.16));
    for (const layer of [0.16, 1]) {
      paper.globalAlpha = layer === 1 ? 0.92 : layer;
      points.forEach(([x, y], index) => {
        if (shown[index] !== layer) return;
        paper.beginPath();
        paper.arc(x, y, radius, 0, 7);
        if (data.state[index] & 2) {
          paper.fillStyle = colours[index];
          paper.fill();
          if (radius > 3) {
            paper.strokeStyle = sheet;
            paper.lineWidth = 1;
            paper.stroke();
          }
        } else {
          paper.fillStyle = sheet;
          paper.fill();
          paper.strokeStyle = colours[index];
          paper.lineWidth = Math.min(2, radius / 2);
          paper.stroke();
        }
      });
    }
    paper.globalAlpha = 1;
    if (query) asked(paper, ink, sheet, radius);
    for (const [index, wide] of [[over, 1.5], [place.get(chosen) ?? -1, 3]]) if (index >= 0) ring(paper, points[index], radius + 4, wide, ink, sheet);
    canvas.dataset.points = count;
  }

  function ring(paper, [x, y], radius, wide, ink, sheet) {
    for (const [colour, width] of [[sheet, wide + 2.5], [ink, wide]]) {
      paper.beginPath();
      paper.arc(x, y, radius, 0, 7);
      paper.strokeStyle = colour;
      paper.lineWidth = width;
      paper.stroke();
    }
  }

  // What was searched for: a square on its corner, with a line to each of its nearest memories.
  function asked(paper, ink, sheet, size) {
    const [x, y] = at(...query.at);
    query.matches.forEach(([id, score], rank) => {
      if (!place.has(id)) return;
      const [a, b] = spot(place.get(id));
      paper.beginPath();
      paper.moveTo(x, y);
      paper.lineTo(a, b);
      paper.strokeStyle = ink;
      paper.globalAlpha = rank ? 0.45 : 0.9;
      paper.setLineDash(score >= query.threshold ? [] : [3, 4]);
      paper.lineWidth = rank ? 1 : 1.75;
      paper.stroke();
      paper.setLineDash([]);
      paper.globalAlpha = 1;
      ring(paper, [a, b], size + 2, 1, ink, sheet);
    });
    paper.save();
    paper.translate(x, y);
    paper.rotate(Math.PI / 4);
    paper.fillStyle = ink;
    paper.strokeStyle = sheet;
    paper.lineWidth = 2;
    paper.fillRect(-6, -6, 12, 12);
    paper.strokeRect(-6, -6, 12, 12);
    paper.restore();
    paper.font = `600 ${parseFloat(style().fontSize) * 0.8125}px ${style().fontFamily}`;
    const right = x > canvas.clientWidth - 110;
    paper.textAlign = right ? "right" : "left";
    paper.lineWidth = 4;
    paper.strokeStyle = sheet;
    paper.strokeText("your problem", x + (right ? -14 : 14), y + 4);
    paper.fillStyle = ink;
    paper.fillText("your problem", x + (right ? -14 : 14), y + 4);
  }

  const near = (x, y, within) => nearest(spots(), x, y, within, fits);

  function point(index) {
    if (index === over) return;
    over = index;
    canvas.style.cursor = index < 0 ? "" : "pointer";
    hover(index < 0 ? "" : data.ids[index], index < 0 ? null : spot(index));
    draw();
  }

  function zoom(by, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    view = zoomed(view, by, x, y, size());
    point(-1);
    draw();
  }

  // Arrow keys go from point to point.
  function step(dx, dy) {
    const from = over >= 0 ? over : place.get(chosen) ?? -1;
    const { width, height } = size();
    point(from < 0 ? near(width / 2, height / 2, 1e6) : towards(spots(), from, dx, dy, fits));
  }

  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (!event.button) drag = { x: event.offsetX, y: event.offsetY, from: { ...view }, far: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag && view.zoom > 1) {
      const [dx, dy] = [event.offsetX - drag.x, event.offsetY - drag.y];
      drag.far ||= Math.hypot(dx, dy) > 4;
      if (drag.far) {
        if (!canvas.hasPointerCapture(event.pointerId)) canvas.setPointerCapture(event.pointerId);
        [view.x, view.y] = [drag.from.x + dx, drag.from.y + dy];
        point(-1);
        return draw();
      }
    }
    if (event.pointerType === "mouse") point(near(event.offsetX, event.offsetY, 14));
  });
  canvas.addEventListener("pointerup", (event) => {
    const far = drag?.far;
    drag = null;
    if (far) return;
    const index = near(event.offsetX, event.offsetY, event.pointerType === "mouse" ? 14 : 26);
    if (index >= 0) pick(data.ids[index]);
  });
  canvas.addEventListener("pointerleave", () => point(-1));
  canvas.addEventListener("blur", () => point(-1));
  canvas.addEventListener("pointercancel", () => {
    drag = null;
  });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 200), event.offsetX, event.offsetY);
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) step(...way);
    else if (event.key === "Enter" && over >= 0) pick(data.ids[over]);
    else if (event.key === "+") zoom(1.6);
    else if (event.key === "-") zoom(0.625);
    else return;
    event.preventDefault();
  });
  new ResizeObserver(draw).observe(canvas);
  new MutationObserver(paint).observe(document.body, { attributes: true, attributeFilter: ["class"] });

  return {
    set,
    also,
    zoom,
    colour(name) {
      by = name;
      paint();
    },
    filter(test) {
      fits = (index) => test(data, index);
      draw();
    },
    select(id) {
      chosen = id;
      draw();
    },
    search(found) {
      query = found;
      draw();
    },
    spot: (id) => (place.has(id) ? spot(place.get(id)) : null),
  };
}
