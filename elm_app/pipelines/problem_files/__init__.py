"""Files of problems as people have them, from bytes to problems.

    decode    bytes → text: gzip, UTF-8, UTF-16, Windows-1252
    rows      text → a table: JSON lines, a JSON array, CSV, a problem a line
    parquet   bytes → a table
    columns   which column is the problem, the answer, the id, the source; a row → a problem
    hub       the file of a data set on the model hub, by name

`elm_app.pipelines.problems.read_problems` is the front. What is guessed on the way is said in `assumed`, in words
that go on from "read as".
"""
