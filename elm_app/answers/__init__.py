"""From the text of a trace to an answer, from answers to a vote, from a vote to rewards. Plain Python, no torch.

    extract      the final answer written in a trace (`announced`: the phrases before it, in many languages)
    reading      what an answer says: numbers exactly, structure as a tree (`normalise`: its characters and LaTeX;
                 `values`, `numbers`, `words`: one value, its digits, its unit)
    equivalence  whether two readings say the same, and the classes of many
    compare      the same for answers; expressions are asked of math-verify in a process that can be killed
                 (`sympy_worker`)
    vote         the majority vote over answers
    reward       the vote (or a known answer) as rewards
    imported_traces  traces made elsewhere, read and voted on

"No answer" is `None` everywhere, never an empty string.
"""
