"""A run is a log of events. This room keeps logs and knows nothing of what the runs do.

runner     one queue: runs wait for each other, can be watched and stopped
event_log  the events of a run on disk, one a line; `child_log`: of a run inside a run
state      what a log says, folded: a run as it stands; `stream_state`: of a stream
run_json   a run as the document that a command prints
replay     a log as if it happened now
catalog    how each run began: the first line of every log, read once; `summaries`: and how it ended
related    runs that belong together
background waits inside a run, told as events
learning_progress  how far a learning run has come, and how long it still takes
rollout_groups     all attempts of a learning run, what they were worth, and which of them turned
"""
