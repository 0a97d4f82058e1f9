"""Learning a memory: GRPO on a soft prompt, the model frozen.

rewards   which rollouts are good: named sources
loss      advantages and the loss: pure functions of tensors
prompt    where a soft prompt starts, what its vectors mean
trainer   the loop: rollouts, reward, update, checkpoint; a generator of events
"""
