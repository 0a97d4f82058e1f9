"""Memories on disk: what was learned, kept and found again.

From the bottom up
    memory_folder  one memory as a folder: a PEFT adapter (`adapter`), its card, its keys; the truth
    row            what a list shows of a memory
    record         what the table holds of a memory
    table          vectors and sort columns of all memories in one memory-mapped file: exact search (`nearest`)
    kv_keys        the models' own keys of the problems, searched in the same way
    journal        one writer at a time, and what it was doing if it was killed
    reader         lists, searches and cards, without the lock
    chroma_index   ids, vectors and card fields in Chroma
    layout         the parts of a store: folders, index, table, journal
    repair         opening after a kill, and building Chroma and table anew
    store          writing: folders, Chroma and table kept in step
    doctor         every disagreement, explained
    archive        export and import of one file
"""
