"""Batched generation, log-probabilities and gradients of one loaded model.

loader          weights in memory, the arithmetic chosen
engine          rollouts of several prompts in one batch, and the log-probabilities that learning asks for
decoder         what the engine asks of a model's arithmetic: `quantized/` on a CPU, `dense_decoder` elsewhere
sampler         the draw of a token, and the seed of every trace
chat_template   a conversation as token ids; `shared_start`: what several begin with, read once
prefix          keys and values of P positions as one tensor
attention       what a layer is given when attention is watched
chosen_logprobs log-probabilities of chosen tokens, without keeping all the others
kv_reuse        past reasoning as keys and values
question_keys   the model's own key of a problem
token_entropy   how the distributions of a rollout's tokens were spread
reward_model    a process reward model; `reward_model_loader` fetches and loads it
"""
