"""A run as one HTML file that plays it again: with no server and no network, for somebody who has nothing installed.

one_file    the file
saving      what the page asks for it
frames      what changes in it, and when
redaction   a log without what tells of its machine
offline     fragments without what needs the program
template    its HTML without content; `player.js` fills it, `export.css` dresses it
"""
