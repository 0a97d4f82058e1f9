"""The web page: the only part that imports gradio.

    words     numbers and states in words
    maths     LaTeX to MathML, with only harmless elements and attributes
    prose     a model's text to safe HTML, block by block
    palette   which colour an answer class has
    render    one pure function for each thing on the page
    learn     … and for each thing about a learning run
    charts    values by step as small pictures, in a run and on a card
    course    how far it has come, and how long it takes
    recalled  … and for the memories that a problem reminded of
    remembered  the field that says which memory to use
    links     runs that belong together
    actions   what the page can ask for
    asks      what its buttons ask the server for
    tail      what the pages ask about runs; `live_run` knows what changed in one since, `replayed` how it stood when
    machine   which model it is and why, how its weights come, and what can be done meanwhile
    fetching  weights on their way without a run; `meter` is how fast a wait goes
    anchors   links to runs
    index     how each run began, and which belong to a stream
    history   the list of earlier runs
    streams   what the Stream tab may ask for; `stream_skeleton` is its HTML
    stream    … a stream's numbers and its ledger; `race` is its chart, `stream_now` the problem that goes on
    compares  what the Compare tab may ask for; `compared` reads a benchmark's report, `compare` draws it
    memories  what the Memories tab may ask for; `cabinet` is its HTML, `meaning` makes a search a vector
    shelf     the list of memories
    plane     the map of memories
    card      all that is known about a memory
    explain   why a memory, what it changed, who decided; `explained` is what its tab may ask for
    shared    what two problems have in common
    weighed   what a verifier saw, step by step
    form      fields to settings; `drawer` is the fields
    page      the components and how they are wired
    theme     colours, fonts and what `launch` is given

A page shows a run by asking `tail` a few times a second for the fragments that changed and patching them in place
(`assets/elm.js`), so a reload or a second window shows the same.
"""
