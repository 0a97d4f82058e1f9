"""Learning a memory: GRPO on a soft prompt, the model frozen.

rewards   which rollouts are good: named sources
loss      advantages and the loss: pure functions of tensors
prompt    where a soft prompt starts, what its vectors mean
trainer   the loop: rollouts, reward, update, checkpoint; a generator of events
distil    the other recipe: traces written with an example in view made likelier without it
variants  a problem with other numbers, by rule
"""
