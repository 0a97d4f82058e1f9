"""The Memories tab's own HTML, without content: `memories.js` fills it, `memories.css` dresses it."""

from elm_app.web.run.story import of_a_memory

CABINET = f"""
<section class="elm-memories" data-state="none" role="tabpanel" aria-label="Memories">
  <input type="file" accept=".zip" data-part="file" class="unseen" tabindex="-1" aria-label="A file of memories">
  <div data-part="notice" class="notice" role="status"></div>
  <div class="empty" data-part="empty" hidden>
    <p class="lead">What was learned is kept here.</p>
    <p>A memory is learned from one problem: what the model writes with the majority's solution in view, it learns to
    write without. It is a prefix of 20 positions, about 1.1 MB with the 1.5B. When a problem of the same kind comes,
    the nearest memory stands before it. This place will show every memory on a map, what it cost, and what it did
    since.</p>
    <p class="starts">
      <button type="button" class="elm-start" data-act="starter" data-part="starter" hidden></button>
      <a href="?" data-tab="solve" class="elm-start">Solve a problem and learn from it</a>
      <button type="button" class="elm-start" data-act="import">Import a file …</button>
    </p>
    {of_a_memory()}
  </div>
  <div data-part="cabinet" hidden>
    <form class="seek" role="search">
      <input type="search" data-seek="text" autocomplete="off" spellcheck="false" aria-label="Search by meaning"
        placeholder="Search by meaning: a problem in words …">
      <button type="submit">Search</button>
    </form>
    <div class="sieve">
      <label>Model <select data-seek="model" data-part="models"><option value="">all models</option></select></label>
      <label>Offered <select data-seek="enabled"><option value="">all</option><option value="yes">offered</option>
        <option value="no">disabled</option></select></label>
      <label>Effect <select data-seek="improved"><option value="">all</option>
        <option value="yes">helped its problem</option><option value="no">did not help</option></select></label>
      <label>Sort <select data-seek="sort"><option value="created:desc">newest first</option>
        <option value="created:asc">oldest first</option><option value="problem:asc">problem, A to Z</option>
        <option value="label:asc">label, A to Z</option><option value="gain:desc">largest gain in agreement</option>
        <option value="gain:asc">smallest gain in agreement</option>
        <option value="agreement_before:asc">lowest agreement before</option>
        <option value="agreement_after:desc">highest agreement after</option>
        <option value="seconds:desc">longest to learn</option>
        <option value="retrieved:desc">most used</option></select></label>
      <span class="carry">
        <button type="button" data-act="starter" data-part="starter-more" hidden></button>
        <button type="button" data-act="import">Import …</button>
        <button type="button" data-act="export-all" data-part="export-all">Export all</button>
      </span>
    </div>
    <div class="halves">
      <div class="list">
        <div class="told"><p data-part="told" role="status"></p>
          <div class="picked" data-part="picked" hidden><span data-part="picked-count"></span>
            <button type="button" data-bulk="export">Export</button>
            <button type="button" data-bulk="enable">Enable</button>
            <button type="button" data-bulk="disable">Disable</button>
            <button type="button" data-bulk="ask" class="danger">Delete …</button>
            <button type="button" data-bulk="none">Clear</button></div></div>
        <div class="confirm" data-part="confirm-many" role="alertdialog"
          aria-label="Delete the selected memories?" hidden>
          <p><strong data-part="confirm-count"></strong> Their cards, what they learned and their places in the index go
          for good. The runs that made them stay.</p>
          <button type="button" data-bulk="delete" class="danger">Delete for good</button>
          <button type="button" data-bulk="keep">Keep them</button></div>
        <ol class="rows" data-part="rows"></ol>
        <nav class="pager" data-part="pager" aria-label="Pages of the list"></nav>
      </div>
      <div class="view">
        <div class="map">
          <div class="map-head"><h2>Map</h2><span class="legend" data-part="legend"></span>
            <span data-part="drawn"></span>
            <label>Colour <select data-part="colour"><option value="improved">effect</option>
              <option value="gain">gain in agreement</option><option value="enabled">offered</option>
              <option value="model">model</option><option value="age">age</option></select></label></div>
          <div class="sheet"><canvas data-part="plane" tabindex="0" role="application"
            aria-label="Map of the memories: near means alike in meaning. Arrow keys go from point to point, Enter
 opens a card. The list has the same memories."></canvas>
            <div class="glance" data-part="glance" hidden></div>
            <div class="zoom" role="group" aria-label="Zoom">
              <button type="button" data-zoom="1.6" aria-label="Nearer">+</button>
              <button type="button" data-zoom="0.625" aria-label="Farther">−</button>
              <button type="button" data-zoom="0" aria-label="The whole map">whole</button></div></div>
        </div>
        <button type="button" class="back" data-act="back">‹ All memories</button>
        <div data-part="card"></div>
        <p class="hint" data-part="hint">Choose a memory in the list or on the map to see its card.</p>
      </div>
    </div>
  </div>
</section>
"""
