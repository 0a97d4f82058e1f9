// Which key does what on stage. Keys in, names out; nothing of the page is touched here.

const TYPED_INTO = 'input:not([type="range"], [type="checkbox"], [type="radio"]), textarea, select, [contenteditable="true"]';
const PRESSED = "button, a, summary, [role='button'], [role='tab']"; // these take a space themselves, outside of a replay's bar
const DOES = { " ": "next", PageDown: "next", ArrowRight: "next", PageUp: "back", ArrowLeft: "back", p: "toggle", f: "full", "?": "keys" };

// What a pressed key asks for: `next`, `back` and `toggle` of a replay, a tab by its number, `full`, `keys`, `leave`; or
// `field` for Escape in a field, which leaves it; "" where the key is somebody else's.
export function stageAction({ key, target, ctrlKey, metaKey, altKey }) {
  if (ctrlKey || metaKey || altKey) return "";
  const typing = Boolean(target.closest?.(TYPED_INTO));
  if (key === "Escape") return typing ? "field" : "leave";
  if (typing) return "";
  if (key === " " && target.closest?.(PRESSED) && !target.closest(".replay")) return "";
  if (/^[1-6]$/.test(key)) return `tab ${key}`;
  return DOES[key] || "";
}
