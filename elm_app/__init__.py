"""ELM: Experiential Latent Memories (arXiv 2606.17803), interactive and open.

A local language model solves a maths problem by sampling k reasoning traces and taking the majority vote. What the vote
says is learned by a prefix or a soft prompt, the memory, which is stored and retrieved for later problems.

Vocabulary
    trace            one sampled solution; `finished` if the model stopped by itself, else cut off at T new tokens
    arm              where a trace came from: `zero_shot` (the bare problem) or `memory` (behind a soft prompt)
    vote, agreement  the majority over classes of equivalent answers; the winner's share of all samples
    soft prompt      P virtual tokens, vectors of size H in front of the prompt; the model itself is frozen
    prefix           the other form of it: keys and values of P positions in every layer
    memory           a soft prompt or prefix learned from one problem, with its card; its key is the problem's embedding
    recipe           how a memory is learned: `distil` (likelihood of worked variants) or `paper` (reward by the vote)
    step, rollout    one update of the memory, and, of `paper`, one of the k traces that it learns from
    run              one piece of work, kept as a log of events
    stream           problems one after the other, learning from each; every problem is a row
    method           one way to answer a stream of problems; a benchmark compares several
    letters          k samples, P virtual tokens, T new tokens, H hidden size, V vocabulary

Rooms, imports only go down (tests/test_layers.py); each has a docstring that says what stands in it
    cli, web      the command line and the page: readers of a run's log
    evaluation    methods compared on the same problems; `baselines/`: one method, one file; `cluster/`: Ray
    pipelines     `solve`, `learn`, `stream/` and `token_effect` as generators of events; files of problems
    runs          the queue, the logs, the state folded from a log, its replay
    retrieval     which memory a problem gets; the embedder
    routing       who is right: verifiers (agreement, confidence, process reward model), router
    store         memories on disk: folders, Chroma that answers, archive, doctor: no torch
    learning      recipes: worked variants made likelier (distil), or GRPO with the vote's reward (paper)
    rollouts      tokens to traces and votes, as events
    engine        batched generation, log-probabilities, gradients; `quantized/`: on a checkpoint's own blocks on a CPU
    weights       a model's name to a folder on disk: mirrors, checksums, GGUF
    answers       text to answer to vote: plain Python, no torch
    core          nouns, events, settings, errors

Flow of `solve`
    cli or page → runs.runner.submit → pipelines.solve → engine.loader (weights, engine) → pipelines.recall
    (retrieval.retriever) → rollouts.collect, all arms in one batch (engine.rollout, answers.extract, vote) →
    routing.router (a verifier if the arms differ) → credit on the memory's card → events → memories/runs/<id>.jsonl →
    runs.state → cli or page

Flow of `learn`
    … → pipelines.learn → learning.distil (variants, rollouts.collect with an example in view, compaction,
    engine.log_probs) or, of the paper's recipe, learning.trainer (rollouts.collect, rewards, engine.log_probs, grpo);
    checkpoint → acceptance → store.store (adapters/<id>/, then chroma/) → events as above

Flow of `memories act` and of Explain's "where a memory acts"
    … → pipelines.token_effect: a trace's text → tokens → Engine.scores without and with the memory → events as above

Flow of `stream` and `bench`
    … → pipelines.stream.stream: for each problem solve and learn as runs of their own (runs.child_log) → a row in the
    folder
    … → evaluation.bench: for each method baselines.METHODS or the stream (evaluation.variants) → a line in the folder
    → evaluation.statistics → report.json, report.md, plots
"""

import os

__version__ = "0.2.0"

# Waiting threads spin for some 30 µs, which bridges the gaps between kernels, and then sleep. OpenMP's default of
# spinning for milliseconds makes decoding ten times slower as soon as a browser wants one of two cores; not spinning at
# all makes it a third slower. Read by the OpenMP runtime when it is loaded, so it must be set before torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")
