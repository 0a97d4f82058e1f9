"""A run is a log of events. This room keeps logs and knows nothing of what the runs do.

runner     one queue: runs wait for each other, can be watched and stopped
event_log  the events of a run on disk, one a line; `child_log`: of a run inside a run
state      what a log says, folded: a run as it stands; `stream_state`: of a stream
replay     a log as if it happened now
catalog    which runs there are: the first line of every log, read once
background waits inside a run, told as events
learning_progress  how far a learning run has come, and how long it still takes
"""
