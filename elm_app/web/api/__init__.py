"""What other programs may call on the running page (docs/API.md); everything else that Gradio serves is private to it.

endpoints  `/solve`, `/learn`, `/retrieve`, `/memories` and `/vote`
runs       solving and learning: a run is started as by the page's buttons, and its events are told
lookups    what is answered at once
mcp_tools  some of these as tools of the Model Context Protocol
arguments  what programs send, checked; errors as they are told to them

Annotations of what is offered are no strings, because Gradio describes an endpoint by them.
"""
