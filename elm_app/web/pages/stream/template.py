"""The Stream tab's own HTML, without content: `stream.js` fills it, `stream.css` dresses it."""

from __future__ import annotations

from elm_app.core.config import LearnSettings, SamplingSettings
from elm_app.retrieval.retriever import THRESHOLD
from elm_app.web.components.problem_file.field import COLUMNS, FIELD
from elm_app.web.components.settings.plain_fields import blank, models, number
from elm_app.web.components.settings.recipe_fields import RecipeFields

_LEARN, _SAMPLE = RecipeFields(LearnSettings.recipe), SamplingSettings(seed=0)

_FIELDS = "".join(
    [
        blank("limit", "Problems", "at most", "all"),
        _LEARN.number("steps", "Steps", "of learning, at most", "1", "1000"),
        number("samples", "Samples", "traces per problem", "1", "256", _SAMPLE.samples),
        '<label><span>Order</span><select name="order"><option value="file">that of the file</option>'
        '<option value="shuffled">shuffled, by the seed</option></select><small>part of the record</small></label>',
        blank("seed", "Seed", "same seed, same stream", "random"),
    ]
)
_MORE = (
    COLUMNS
    + f'<label class="wide"><span>Model</span><select name="model">{models()}</select><small>&nbsp;</small></label>'
    + "".join(
        [
            number("max_new_tokens", "New tokens", "where a trace is cut off", "1", "32768", _SAMPLE.max_new_tokens),
            _LEARN.recipes(),
            _LEARN.number("rollouts", "Rollouts", "solutions a step", "2", "256", of="paper"),
            _LEARN.number("variants", "Variants", "with other numbers and names", "1", "64", of="distil"),
            _LEARN.number("virtual_tokens", "Virtual tokens", "length of a memory", "1", "512"),
            _LEARN.number("learning_rate", "Learning rate", "of AdamW", "0", "1", "any"),
            blank("threshold", "Memory from", "least similarity; -1: the nearest", f"{THRESHOLD:.2f}", "text"),
        ]
    )
    + '<label class="wide"><span>Offer</span><select name="keep"><option value="helped">memories that helped</option>'
    '<option value="all">every memory</option></select><small>on their own problem</small></label>'
)
_HEADS = "".join(
    f'<th scope="col"{" class=number" if name in ("#", "Tokens", "Time") else ""}>{name}</th>'
    for name in (
        "#", "Problem", "Right answer", "Zero-shot", "ELM", "Decided by", "Memory used", "Memory made", "Tokens", "Time"
    )
)  # fmt: skip

STREAM = f"""
<section class="elm-stream" data-state="none" aria-label="Stream">
  <div class="lost" data-part="lost" role="alert"></div>
  <form class="setup" data-part="setup" novalidate hidden aria-label="A new stream">
    <div class="intro">
      <p class="lead">One problem after the other, each with what was learned before.</p>
      <p>A stream retrieves a memory, solves, learns and stores, problem by problem. This place will show two lines
      racing, zero-shot and ELM, and a ledger of what was kept.</p>
    </div>
    {FIELD.strip()}
    <div class="fields">{_FIELDS}</div>
    <details class="more"><summary>More</summary><div class="fields">{_MORE}</div></details>
    <div data-part="refused" role="alert"></div>
    <p class="go"><button type="submit" class="strong">Start</button>
      <button type="button" data-act="close" data-part="close" hidden>Back to the stream</button></p>
  </form>
  <div class="shown" data-part="shown" hidden>
    <div class="head">
      <div class="said"><p class="title" data-part="title"></p>
        <p class="status" data-part="status" role="status" aria-live="polite"></p>
        <p class="meta" data-part="meta"></p></div>
      <div class="acts"><span class="clock" data-part="clock"></span>
        <button type="button" data-act="pause" class="strong" hidden>Pause</button>
        <button type="button" data-act="resume" class="strong" hidden>Resume</button>
        <span class="take" data-part="take" hidden>Results <button type="button" data-act="jsonl">JSONL</button>
          <button type="button" data-act="csv">CSV</button></span>
        <button type="button" data-act="new">New stream</button></div>
    </div>
    <div class="whole" role="progressbar" aria-label="Problems done" aria-valuemin="0" aria-valuemax="100"
      aria-valuenow="0"><i></i></div>
    <div data-part="wait"></div>
    <div data-part="asked" role="alert"></div>
    <div data-part="failure"></div>
    <p class="elsewhere" data-part="elsewhere"></p>
    <div class="race-row"><div data-part="chart"></div><dl class="numbers" data-part="numbers"></dl></div>
    <p class="verdict" data-part="verdict"></p>
    <div class="now" data-part="now"></div>
    <div class="ledger" data-part="ledger" hidden>
      <h2>Ledger</h2>
      <div class="scroll"><table><caption class="unseen">The problems that are done</caption>
        <thead><tr>{_HEADS}</tr></thead><tbody data-part="rows"></tbody></table></div>
    </div>
  </div>
  <div class="earlier" data-part="earlier-box" hidden><h2>Earlier streams</h2><ul data-part="earlier"></ul></div>
</section>
"""
