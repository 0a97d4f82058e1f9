// The clock of a replay: the seconds pass here, at some speed, between a start and an end, with marks to step to.

const NEAR = 0.001; // a mark so near is the one that is shown

export class Playback {
  /** @type {Answers.ReplaySpan | null} */
  span = null; // null before the server has told it
  /** @type {number | null} */
  at = null; // the moment that is shown
  playing = false;
  read = 0; // when it was last looked at, in ms

  // Stand at the start and play, as soon as the span is known.
  begin(now, playing = true) {
    Object.assign(this, { span: null, at: null, playing, read: now });
  }

  close() {
    Object.assign(this, { span: null, at: null, playing: false });
  }

  know(span) {
    this.span = span;
    this.at ??= span.start;
  }

  tick(now, speed) {
    if (this.playing && this.at !== null && this.span) {
      this.at = Math.min(this.span.length, this.at + ((now - this.read) / 1000) * speed);
    }
    this.read = now;
    if (this.ended) this.playing = false;
  }

  // Go to a moment; true if that is back, where the page must begin anew.
  go(moment, playing) {
    const back = moment < this.at;
    this.at = Math.min(this.span.length, Math.max(this.span.start, moment));
    this.playing = playing;
    return back;
  }

  get ended() {
    return Boolean(this.span) && this.at >= this.span.length;
  }

  get before() {
    return this.span.marks.findLast((mark) => mark < this.at - NEAR);
  }

  get after() {
    return this.span.marks.find((mark) => mark > this.at + NEAR);
  }
}

// 75 seconds are 1:15.
export function minutes(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}
