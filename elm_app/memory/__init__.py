"""What was learned, kept and found again.

From the bottom up
    folder      one memory as a folder: a PEFT adapter, its card, its keys; the truth
    rows        what a list shows of a memory
    record      what the table holds of a memory
    table       vectors and sort columns of all memories in one memory-mapped file: exact search, any process
    writer      one writer at a time, and what it was doing if it was killed
    reader      lists, searches and cards, without the lock
    store       writing: folders, Chroma and table kept in step
    repair      opening after a kill, and building Chroma and table anew
    embedder    the text of a problem as a vector
    retriever   which memory a problem gets, and why
    projection  the map
    archive     export and import of one file
    doctor      every disagreement, explained
"""
