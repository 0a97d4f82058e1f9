"""Learning a memory from one problem, the model frozen.

  trainer     the loop: steps, checkpoint, measuring; a generator of events
  soft_prompt where a soft prompt or prefix starts, what its vectors mean
  checkpoint  the state of a run that was killed
  acceptance  whether a memory is offered
the recipe `distil`, the default
  distil      traces written with a worked example in view made likelier without it
  example     which trace of a problem is shown as a worked example
  variants    a problem with other numbers, by rule (`names`: and other people)
  compaction  a context of n positions as P keys and values a layer
the recipe `paper`
  rewards     which rollouts are good: named sources (`reference_solution`: one of them)
  advantages  what a reward is worth beside the others of its step: pure numbers
  grpo        the loss: pure functions of tensors
  update      one update by them, whatever is learned
  policies    other forms: prefix, LoRA, as one interface
"""
