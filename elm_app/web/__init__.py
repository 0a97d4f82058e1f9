"""The web page: the only room that imports gradio.

    launch      the page over the program: what its buttons do
    app         a header and a tab for each page
    theme       colours, fonts and what `launch` is given; `files`: scripts and style sheets; `shell`: base, stage
    commands    what the page can ask for
    readonly    the same without what changes anything
    api         what other programs may call (docs/API.md)
    callers     who asks
    fetching    weights on their way without a run
    starters    the memories that come with the program
    downloads   files that a browser fetches
    components  HTML used by several pages
    run         one run on the page, live or replayed
    export      a run as one file that plays it
    pages       a folder a tab: its Python, script and style; pages never import each other

A page shows a run by asking `run/feed.py` a few times a second for the fragments that changed and patching them in
place (`run/run.js`), so a reload or a second window shows the same. What scripts ask and are answered is typed, in the
`answers.py` of each page; `lib/` holds what their scripts share, with these types (`answers.d.ts`).
"""
