"""The field in which a file of problems is chosen, without content: `file_field.js` fills it, `file_field.css` dresses
it."""

from __future__ import annotations

FIELD = """
    <div class="file-field">
      <label class="drop" data-part="drop">
        <input type="file" accept=".jsonl,.ndjson,.json,.csv,.tsv,.txt,.parquet,.gz" data-part="input">
        <span><b>Drop a file of problems here</b>, or choose one. JSON, CSV, text or parquet, with a column
        <code>problem</code> or <code>question</code> and, if it is known, <code>answer</code>.</span>
      </label>
      <p class="or"><button type="button" data-act="example">Use the example: 6 problems</button></p>
      <div data-part="file" role="status"></div>
      <div class="bad" data-part="bad" hidden><div data-part="rows-bad"></div>
        <button type="button" data-act="skip">Go on without them</button></div>
    </div>
"""
COLUMNS = (
    '<label class="wide"><span>Columns</span><input name="columns" placeholder="problem=Question,answer=Result" '
    'autocomplete="off" spellcheck="false"><small>of the file, where they are not found</small></label>'
)
"""Stands under More, as the sentence about what was assumed says."""
