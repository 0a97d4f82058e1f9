"""The Compare tab's own HTML, without content: `compare.js` fills it, `compare.css` dresses it."""

from __future__ import annotations

from elm_app.web.pages.compare.evidence import evidence
from elm_app.web.pages.compare.setup import SETUP

COMPARE = f"""
<section class="elm-compare" data-state="none" aria-label="Compare">
  <div class="pick" data-part="pick" hidden>
    <label data-part="known-box" hidden>Comparison <select data-part="known"></select></label>
    <button type="button" data-act="new">New comparison</button>
  </div>
  <div data-part="notice" role="alert"></div>
  <div class="empty" data-part="empty" hidden>
    <p class="lead">Does it improve, against what, and would it without the vote?</p>
    <p>A comparison asks every method the same problems, with the same samples, and grades them alike. This place will
    show its table, its plot with intervals that narrow as problems are done, and what the numbers allow to say.</p>
    <p class="go"><button type="button" class="strong" data-act="new">Compare methods on a file</button></p>
{evidence()}
  </div>
{SETUP}
  <div data-part="shown" hidden>
    <div data-part="head"></div>
    <div class="stands" data-part="stands">
      <p class="status" data-part="status" role="status" aria-live="polite"></p>
      <div class="acts"><span class="clock" data-part="clock"></span>
        <button type="button" data-act="pause" class="strong" title="when this problem is done" hidden>Pause</button>
        <button type="button" data-act="stop" title="at once; this problem is asked anew later" hidden>Stop</button>
        <button type="button" data-act="resume" class="strong" hidden>Go on</button>
        <button type="button" data-act="zip" title="the whole folder, as a zip file">Download</button></div>
    </div>
    <div class="whole" data-part="bar" role="progressbar" aria-label="Answers that are in" aria-valuemin="0"
      aria-valuemax="100" aria-valuenow="0" hidden><i></i></div>
    <div data-part="wait"></div>
    <div data-part="asked" role="alert"></div>
    <div data-part="failure"></div>
    <p class="quiet coming" data-part="coming"></p>
    <div data-part="plot"></div>
    <div class="sentences" data-part="sentences"></div><div data-part="running"></div>
    <div class="scroll" data-part="table" tabindex="0" role="region" aria-label="Table of the methods"></div>
    <p class="quiet where" data-part="where"></p>
    <details class="same" data-part="same" hidden><summary>The same on the command line</summary>
      <pre tabindex="0"><code data-part="again"></code></pre></details>
  </div>
  <details class="other" data-part="other"><summary>Open a folder</summary>
    <form class="path" data-part="form">
      <label>Path of a comparison's folder
        <input data-part="path" autocomplete="off" spellcheck="false" placeholder="memories/bench/first"></label>
      <button type="submit">Show</button>
    </form></details>
</section>
"""
