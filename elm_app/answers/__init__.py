"""From the text of a trace to an answer, from answers to a vote, from a vote to rewards. Plain Python, no torch.

    extract    the final answer written in a trace
    normalise  one cheap canonical spelling of an answer
    compare    whether two answers mean the same, asked of math-verify in a process that can be killed (`worker`)
    vote       the majority vote over answers
    reward     the vote (or a known answer) as rewards
    traces     traces made elsewhere, read and voted on

"No answer" is `None` everywhere, never an empty string.
"""
