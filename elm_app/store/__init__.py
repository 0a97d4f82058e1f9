"""Memories on disk: what was learned, kept and found again.

From the bottom up
    memory_folder  one memory as a folder: a PEFT adapter (`adapter`), its card, its keys; the truth
    row            what a list shows of a memory, and how lists are sorted
    cosine         exact cosines of what Chroma found
    chroma_index   vectors, card fields and texts in Chroma, which answers every search and list
    chroma_place   where Chroma is: in the folder, or on a server (ELM_CHROMA)
    journal        whose turn it is, and what a process was changing if it was killed
    layout         the parts of a store: folders, index, journal
    repair         mending after a kill, and making Chroma anew from the folders
    turn           one process at a time uses Chroma, for one question or one change
    reader         lists and searches, asked of Chroma; cards and tensors, read from the folders
    store          writing: folders and Chroma kept in step
    doctor         every disagreement explained, and whether Chroma finds what is nearest
    archive        export and import of one file
"""
