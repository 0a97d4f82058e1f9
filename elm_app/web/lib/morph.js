// Makes what stands in the page look like fresh HTML, and keeps what need not change: an element with the same data-key
// stays itself, and so does one that is equal, so that focus, scrolling and presses on it are not lost.

// HTML as nodes that stand nowhere yet.
export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

// Makes the children of an element look like the HTML.
export function fill(old, html) {
  const holder = document.createElement("div");
  holder.append(fragment(html));
  patchChildren(old, holder);
}

function patch(old, fresh) {
  for (const { name, value } of [...fresh.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  patchChildren(old, fresh);
}

function patchChildren(old, fresh) {
  const keyed = [...fresh.children].filter((child) => child.dataset.key !== undefined);
  if (!keyed.length) return swap(old, [...fresh.childNodes]);
  const have = new Map([...old.children].map((child) => [child.dataset.key, child]));
  for (const child of [...old.childNodes]) {
    if (!keyed.some((each) => child.dataset && each.dataset.key === child.dataset.key)) child.remove();
  }
  keyed.forEach((child, place) => {
    const there = have.get(child.dataset.key);
    if (there) patch(there, child);
    else {
      old.insertBefore(child, old.children[place] || null);
      if (child.style.width) grow(child);
    }
  });
}

// Makes the children of an element these; one that is the same stays itself.
export function swap(old, fresh) {
  const rest = [...old.childNodes];
  const next = fresh.map((child) => {
    const place = rest.findIndex((each) => each === child || each.isEqualNode(child));
    return place < 0 ? child : rest.splice(place, 1)[0];
  });
  for (const each of rest) each.remove();
  next.forEach((child, place) => {
    if (old.childNodes[place] !== child) old.insertBefore(child, old.childNodes[place] || null);
  });
}

function grow(child) {
  const width = child.style.width;
  child.style.width = "0";
  void child.offsetWidth; // so that the width has something to move from
  child.style.width = width;
}
