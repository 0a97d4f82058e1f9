"""The page's own HTML, without content: `run/run.js` fills it, `shell/base.css` dresses it."""

from elm_app.web.run.learning_template import PANEL, UNDER
from elm_app.web.run.story import outline

HEADER = """
<div class="elm-mark" role="img" aria-label="ELM">ELM</div>
<div class="elm-tools">
  <button type="button" class="elm-model" id="elm-model-chip" data-do="model" hidden></button>
  <a href="?memories" class="elm-model" id="elm-memories-chip" data-tab="memories" hidden></a>
  <button type="button" class="elm-tool" data-do="stage" aria-pressed="false"
    title="Larger type for a projector; controls are hidden, keys do the rest: ? shows them">Stage</button>
  <button type="button" class="elm-tool" data-do="dark" aria-pressed="false" title="Light or dark">Dark</button>
</div>
<div class="elm-keys" id="elm-keys" role="note" aria-label="Keys on stage" hidden><dl>
  <dt>space</dt><dd>the next step of the replay</dd>
  <dt>← →</dt><dd>a step back, a step on</dd>
  <dt>p</dt><dd>play, pause</dd>
  <dt>1 to 6</dt><dd>Solve, Explain, Memories, Stream, Compare, Runs</dd>
  <dt>f</dt><dd>full screen</dd>
  <dt>?</dt><dd>these keys</dd>
  <dt>Esc</dt><dd>out of a field, then off the stage</dd>
</dl></div>
"""

PLAYING = """
      <button type="button" data-replay-do="toggle">Play</button>
      <button type="button" data-replay-do="back" aria-label="One step back">‹</button>
      <button type="button" data-replay-do="next" aria-label="One step on">›</button>
      <input type="range" data-replay-do="seek" min="0" max="0" step="any" value="0" aria-label="Where in the run">
      <span class="clock" data-part="replay-clock"></span>
      <label>Speed <select data-replay-do="speed"><option value="0.5">half</option><option value="1" selected>as it was
        </option><option value="2">2 ×</option><option value="5">5 ×</option><option value="20">20 ×</option>
        <option value="40">40 ×</option></select>
      </label>"""
"""What a replay is driven by (`run/replay_bar.js`)."""
HEADLINE = """
    <div class="headline">
      <div class="answer" data-part="answer"></div>
      <div class="said">
        <p class="title" data-part="title"></p>
        <p class="status" data-part="status" role="status" aria-live="polite"></p>
        <p class="note" data-part="note"></p>
        <div class="helps" data-part="helps"></div>
        <p class="meta" data-part="meta"></p>
      </div>
      <div class="course" data-part="course" hidden>
        <span class="clock" data-part="clock"></span>
        <button type="button" data-do="stop">Stop, keep the best</button>
      </div>
    </div>
    <div class="track"><div data-part="progress"></div><div data-part="bars"></div></div>
    <div data-part="failure"></div>"""
TRACES = """
    <div class="traces-head">
      <h2 data-part="traces">Traces</h2>
      <div class="views" role="group" aria-label="Which traces, in which order">
        <button type="button" data-view="order" aria-pressed="true">in order</button>
        <button type="button" data-view="answer" aria-pressed="false">by answer</button>
        <button type="button" data-view="major" aria-pressed="false">only the majority</button>
      </div>
    </div>
    <div class="arms" data-part="arms" data-view="order"></div>
    <p class="nothing" data-part="nothing">No trace is in a majority.</p>"""
"""The cards are put into `arms` (`run/cards.js`)."""

LIVE = f"""
<section class="elm-run" data-state="none" aria-label="Run">
  <div class="coming" data-part="coming" hidden></div>
  <div class="empty" data-part="empty" hidden>
    <p class="lead">One problem, several attempts, one vote.</p>
    <p>A small model writes a handful of solutions at once, live, each by its own luck. What most of them arrive at is
    the answer; how many agree says how far to trust it.</p>
    <div class="lacking" data-part="lacking"></div>
    <div class="starts">
      <button type="button" class="elm-start strong" data-do="fetch" data-part="fetch" hidden></button>
      <button type="button" class="elm-start" data-do="example">Solve “crates and eggs”</button>
    </div>
    {outline()}
  </div>
  <div class="run" data-part="run" hidden>
    <div class="replay" data-part="replay" role="group" aria-label="Replay" hidden>{PLAYING}
      <button type="button" data-replay-do="close">End replay</button>
      <a class="next" data-part="replay-next" hidden></a>
    </div>
    <p class="problem" data-part="problem" hidden></p>{HEADLINE}
    <div class="resume" data-part="resume"></div>
    {UNDER}{PANEL}{TRACES}
  </div>
  <div class="meanwhile" data-part="meanwhile" hidden></div>
  <div data-part="error"></div>
  <p class="elsewhere" data-part="elsewhere" hidden><a href="?">Another run is live: show it</a></p>
</section>
"""
