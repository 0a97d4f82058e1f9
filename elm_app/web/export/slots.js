// The fragments of a recorded run at any moment of it, from its frames: named strings, empty at first, of which a frame
// says what is edited in them.

export class Slots {
  #names;
  #frames;
  #next = 0; // the first frame that is not taken in
  #texts = new Map();

  /** @param {{ slots: string[], frames: Answers.RecordedRun["frames"] }} recording */
  constructor({ slots, frames }) {
    this.#names = slots;
    this.#frames = frames;
  }

  // All of them as they stand so many seconds after the start, by name.
  at(seconds) {
    if (this.#next && this.#frames[this.#next - 1][0] > seconds) {
      this.#next = 0;
      for (const name of this.#texts.keys()) this.#texts.set(name, "");
    }
    for (; this.#next < this.#frames.length && this.#frames[this.#next][0] <= seconds; this.#next += 1) {
      for (const change of this.#frames[this.#next][1]) this.#take(...change);
    }
    return this.#texts;
  }

  // Each edit is how much stays, how much goes, and what comes instead.
  #take(number, ...edits) {
    const name = this.#names[number];
    const old = this.#texts.get(name) ?? "";
    let [made, place] = ["", 0];
    for (let each = 0; each < edits.length; each += 3) {
      made += old.slice(place, place + edits[each]) + edits[each + 2];
      place += edits[each] + edits[each + 1];
    }
    this.#texts.set(name, made + old.slice(place));
  }
}
