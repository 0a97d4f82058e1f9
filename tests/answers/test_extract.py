from __future__ import annotations

import random
import time

import pytest

from elm_app.answers.extract import extract


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so it is \boxed{72}.", "72"),
        (r"first \boxed{1}, then \boxed{2}", "2"),
        (r"\boxed{\frac{1}{\sqrt{2}}}", r"\frac{1}{\sqrt{2}}"),
        (r"\boxed{\{1,\{2\}\}}", r"\{1,\{2\}\}"),
        (r"\boxed{\left\{x : x > 0\right.}", r"\left\{x : x > 0\right."),  # escaped braces need not balance
        (r"\boxed{\begin{pmatrix} 1 \\ 2 \end{pmatrix}}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
        (r"\boxed{1 \\{2}}", r"1 \\{2}"),  # \\ is a line break; the brace behind it counts
        (r"\boxed{5} or was it \boxed{\frac{1}{2}", "5"),  # the last box never closes
        (r"{{{ \boxed{5}", "5"),
        (r"}}} \boxed{5} }}}", "5"),
        (r"\boxed {5}", "5"),
        (r"\boxed 5", "5"),
        (r"thus $\boxed 5$.", "5"),
        (r"thus \(\boxed 5\).", "5"),
        (r"$\boxed\frac12$", r"\frac12"),
        (r"\fbox{7}", "7"),
        (r"\boxed{\boxed{7}}", "7"),
        (r"\boxed{$5$.}", "5"),
        (r"\boxed{\$5.50}", r"\$5.50"),
        ("\\boxed{\n  x^2\n  + 1\n}", "x^2 + 1"),
        (r"\boxed{3} and then \boxed{}", "3"),
        (r"\boxed{3} and then \boxed{ ~ }", "3"),
        (r"\boxed{3} and then \boxed{$$}", "3"),
        (r"\boxed{3}. The answer is 4.", "3"),  # a box counts before a phrase
        (r"The answer is 4. Put it in \boxed{} or \boxed.", "4"),
        (r"\boxedx{3} \boxeds 4", None),
        (r"Put the answer in \boxed and stop", None),
    ],
)
def test_box(text: str, answer: str | None) -> None:
    assert extract(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 5 dollars less.", "5 dollars less"),
        ("The answer is 5 years older.", "5 years older"),
        ("The final answer is 3.5.", "3.5"),
        ("the answer is: 1,234", "1,234"),
        ("The answer is 1,234.50. It was hard.", "1,234.50"),
        ("The answer is **72**.", "72"),
        ("**Answer:** $\\frac{1}{2}$", r"\frac{1}{2}"),
        ("**Answer**: 5", "5"),
        ("**The answer is 5.**", "5"),
        ("Answer: \\(x=\\frac{3}{4}\\).", r"\frac{3}{4}"),
        ("## Final Answer\n\n$$\n72\n$$\n", "72"),
        ("The answer is:\n\n\\[ 5 \\]\n", "5"),
        ("The answer is\n5\nand that is all", "5"),
        ("… = 72\n#### 72", "72"),
        ("#### 1,234\r\n", "1,234"),
        ("#### -3\n", "-3"),
        ("#### Step 1: count\nnothing", None),
        ("Therefore, the answer to this question is 3.14.", "3.14"),
        ("The answer is 5. No, the answer is 6.", "6"),
        ("The answer is 5. The answer is ", "5"),
        ("The final answer is $2$. I hope it is correct.", "2"),
        ("The answer is $32 and $15.", "$32 and $15"),  # currency, not a formula
        ("The answer is $32.", "$32"),
        ("The answer is $72$ because she sold 24 in May.", "72"),
        ("The answer is 72 clips altogether in April and May.", "72"),
        ("The answer is 5 or 7.", "5 or 7"),
        ("The answer is 5 million.", "5 million"),
        ("The answer is 50%.", "50%"),
        ("The answer is $50$%.", "50%"),
        ("The answer is $50\\%$.", r"50\%"),
        ("The answer is 3 + 4 = 7.", "7"),
        ("The answer is x = 5.", "5"),
        ("The answer is 2**3", "2**3"),
        ("the answer is east", "east"),
        ("The answers are 2 and 3.", "2 and 3"),
        ("ANSWER: B", "B"),
        ("I will answer the question: how many people are in the room when the door closes", None),
        ("The answer is .", None),
        ("The answer is …", None),
        ("The final answer is \\(\\", None),  # cut off where its formula begins
        ("The final answer is \\[", None),
        (r"\boxed{\{\}}", r"\{\}"),
        ("Nothing to see: 5", None),
        ("", None),
        ("   \n", None),
    ],
)
def test_phrase(text: str, answer: str | None) -> None:
    assert extract(text) == answer


def test_never_blank() -> None:
    pieces = [
        "\\boxed",
        "{",
        "}",
        "answer is ",
        "Answer:",
        " ",
        "\n",
        "$",
        ".",
        "**",
        "####",
        "\\(",
        "\\)",
        "\\{",
        "5",
        "=",
    ]
    source = random.Random(0)
    for _ in range(5000):
        answer = extract("".join(source.choices(pieces, k=source.randrange(12))))
        assert answer is None or answer == answer.strip() != ""


def test_a_balanced_box_is_always_found() -> None:
    source = random.Random(1)

    def balanced(depth: int) -> str:
        inner = "".join(source.choice(["x", "1", r"\{", r"\}", r"\\", " + "]) for _ in range(source.randrange(4)))
        return inner + ("{" + balanced(depth - 1) + "}y" if depth else "z")

    for _ in range(1000):
        content = " ".join(balanced(source.randrange(5)).split()).rstrip()
        noise = source.choice(["", "}", "{", r"\{", r"\boxed{9} "])
        assert extract(f"{noise} so \\boxed{{{content}}}. {source.choice(['', '}', 'end {'])}") == content


HOSTILE = {
    "open": "{",
    "close": "}",
    "pairs": "{}",
    "boxes": r"\boxed{",
    "empty boxes": r"\boxed{}",
    "bare boxes": r"\boxed ",
    "unbraced": r"\boxed 5 ",
    "backslashes": "\\",
    "answer is": "answer is ",
    "answer:": "Answer:",
    "answer": "answer ",
    "headings": "#### \n",
    "spaces": " ",
    "blank lines": "\n",
    "dollars": "$",
    "formulas": "answer is $",
    "prose": "the answer is that there are many words here that say nothing at all \\( \\( \\( \\( ",
    "long prose": "answer is " + "word " * 60,
    "stars": "answer: **",
    "sums": "answer: 1 +",
    "tags": "<answer>",
    "thoughts": "</think>",
    "blocks": "```\n",
    "joined boxes": r"\boxed{5} and ",
    "other languages": "答案是",
    "words": "answer is 5 words ",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_time_grows_with_length(piece: str) -> None:
    def seconds(length: int) -> float:
        text = piece * (length // len(piece))
        best = float("inf")
        for _ in range(3):
            begun = time.process_time()
            extract(text)
            best = min(best, time.process_time() - begun)
        return best

    small, large = seconds(25_000), seconds(200_000)
    assert large < 5
    assert large < 0.02 or large < 8 * 3 * small  # 8 times the length; quadratic would be 64


def test_deep_nesting() -> None:
    assert extract(r"\boxed{" * 20_000 + "5" + "}" * 20_000) == "5"
    assert extract(r"\boxed{" * 20_000 + "}" * 20_000) is None
    assert extract(r"\boxed{" + "{" * 500 + "}" * 500 + "}") == "{" * 500 + "}" * 500
    assert extract(r"\boxed{" + "9" * 5000 + "}") is None
