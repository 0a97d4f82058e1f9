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

Layers, imports only go down
    studio, cli      the page and the command line: readers of a run's log
    runs             the queue, the logs, the view folded from a log, its replay; `solve`, `learn`, `stream` and
                     `bench` are generators of events; the report of a benchmark
                     (files of problems: `problems`, `problem_files`)
    baselines        what ELM is compared with: one method, one file
    learning         rewards · loss · soft prompts · prefixes · trainer · checkpoint · verdict · other forms (policies)
    memory           embedder · store (folders, Chroma) · retriever · archive · doctor: no torch but the embedder's
    routing          sides · verifiers (agreement, confidence, process reward model) · router
    llm              choice of the default · weights (mirrors, checksums) · loader · sampling events · dense decoder ·
                     engine (rollouts, log-probabilities) · process reward model
    engine           quantized: the CPU's decoder and gradients on a checkpoint's own blocks, or in int8
    weights          GGUF files
    answers          extract · reading · equivalence · compare (math-verify) · vote · reward: plain Python, no torch
    events · results · types · config, plural · errors

Flow of `solve`
    cli or page → runs.runner.submit → runs.solve.solve → llm.loader (weights, engine) → runs.recall (memory.retriever)
    → llm.sample, all arms in one batch (engine.rollout, answers.extract, vote) → routing.router (a verifier if the arms
    differ) → credit on the memory's card → events → memories/runs/<id>.jsonl → runs.view → cli or page

Flow of `learn`
    … → runs.learn.learn → learning.distil (variants, llm.sample with an example in view, compaction,
    engine.log_probs) or, of the paper's recipe, learning.trainer (llm.sample, rewards, engine.log_probs, loss);
    checkpoint → verdict → memory.store (adapters/<id>/, then chroma/) → events as above

Flow of `stream` and `bench`
    … → runs.stream.stream: for each problem solve and learn as runs of their own (runs.child) → a row in the folder
    … → runs.bench.bench: for each method baselines.METHODS or the stream (runs.variants) → a line in the folder
    → runs.comparison → report.json, report.md, plots
"""

import os

# Waiting threads spin for some 30 µs, which bridges the gaps between kernels, and then sleep. OpenMP's default of
# spinning for milliseconds makes decoding ten times slower as soon as a browser wants one of two cores; not spinning at
# all makes it a third slower. Read by the OpenMP runtime when it is loaded, so it must be set before torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")
