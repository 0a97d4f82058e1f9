r"""One plain spelling of an answer's characters and LaTeX, before anything is understood of it (see `reading`)."""

from __future__ import annotations

import re
import unicodedata

from elm_app.answers.words import UNITS, spelled_out

LONGEST = 1000
"""A longer answer is only stripped; this also bounds every number in it."""

_SYMBOLS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "×": r"\times ", "✕": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ",
    "∙": r"\cdot ", "÷": "/", "π": r"\pi ", "∞": r"\infty ", "°": r"^\circ ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ",
    "⩽": r"\le ", "⩾": r"\ge ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "±": r"\pm ", "∅": r"\emptyset ",
    "ℝ": r"\mathbb{R}", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ", "λ": r"\lambda ", "√": r"\sqrt ",
    "∛": r"\sqrt[3]",
    "′": "'", "’": "'", "″": "''", "⁄": "/", "∕": "/", "…": r"\ldots ", "µ": r"\mu ",
    "⟨": r"\langle ", "⟩": r"\rangle ",
    "\N{BYTE ORDER MARK}": "", "\u200b": "", "\u2060": "", "，": ", ", "、": ", ", "؛": "; ",
}  # fmt: skip
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+")
_LOWERED = re.compile("[₀₁₂₃₄₅₆₇₈₉]+")
_TEXT = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt|normal|up)?|math(?:rm|bf|it|sf|tt|bfit)|[mh]box|operatorname|emph)\s*\{([^{}]*)\}"
)
_DELIMITERS = re.compile(r"\$\$|(?<!\\)\\[()\[\]]")
_FORMULA = re.compile(r"(?<!\\)\$([^$]+)(?<!\\)\$(?!\d)")  # "$32 and $15" is money
_THOUSANDS = re.compile(r"(?<=\d)(?:,\s*\\!|\\,|\\ |~)\s*(?=\d{3}(?!\d))")  # 10,\!080 and 10\,080
_PUNCTUATION = re.compile(r"\{([,:;.])\}")
_DOLLARS = re.compile(
    r"\\?\$\s?(?P<minus>-?)(?P<number>[-+]?\d[\d,]*(?:\.\d+)?(?:\s(?:[mbtr]+illion|thousand))?|\.\d+)"
)
_MONEY = re.compile(r"(?P<sign>[€£¥₹])\s?(?P<number>[-+]?\d[\d,]*(?:\.\d+)?)")
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"(?<!\\)\\[!,;:> ]|~|\\q?quad(?![a-zA-Z])|\\(?:display|text)style(?![a-zA-Z])", " "),
        (r"\\(?:left|right|[bB]igg?[lr]?)\s?(?![a-zA-Z])", ""),
        (r"\\[dtc]frac(?![a-zA-Z])", r"\\frac"),
        (r"\\(?:lvert|rvert|vert)(?![a-zA-Z])", "|"),
        (r"\\(?:leqslant|leq)(?![a-zA-Z])", r"\\le"),
        (r"\\(?:geqslant|geq)(?![a-zA-Z])", r"\\ge"),
        (r"\\neq(?![a-zA-Z])", r"\\ne"),
        (r"<=", r"\\le "),
        (r">=", r"\\ge "),
        (r"\\lt(?![a-zA-Z])", "<"),
        (r"\\gt(?![a-zA-Z])", ">"),
        (r"\\lbrace(?![a-zA-Z])", r"\\{"),
        (r"\\rbrace(?![a-zA-Z])", r"\\}"),
        (r"\\colon(?![a-zA-Z])", ":"),
        (r"\\dot\s*(?:\{\s*(\d)\s*\}|(\d))", r"\\overline{\1\2}"),
        (r"(?<=\d)\s*\\bar\s*\{|(?<=\.)\s*\\bar\s*\{", r"\\overline{"),
        (r"(?<=\d\.)(\d{0,9})\((\d{1,9})\)", r"\1\\overline{\2}"),  # 0.1(6)
        (r"\\%|\s*\bper\s?cent(?:age)?\b|％", "%"),
        (r"\^\s*(?:\{\s*\\circ\s*\}|\\circ|\{\s*\\degree\s*\})|\\(?:degree|deg|textdegree)(?![a-zA-Z])", " degrees "),
        (r"(?<=[\d)])\s*[xX*]\s*(?=10\s*\^)", r" \\times "),
        (r"(?<=\d)\s*\\times\s*10\s*\*\*\s*", r" \\times 10^"),
        (r"\\frac\s*(\d)\s*(\d)(?!\d)", r"\\frac{\1}{\2}"),
        (r"\\frac\s*(\d)\s*\{", r"\\frac{\1}{"),
        (r"(\\frac\s*\{[^{}]*\})\s*(\d)(?!\d)", r"\1{\2}"),
        (r"(?<![a-zA-Z\\])sqrt(?=\s*[({])", r"\\sqrt"),
        (r"\\sqrt\s*\(([^()]*)\)", r"\\sqrt{\1}"),
        (r"\\sqrt(\s*\[[^\]]*\])?\s*(\d+|[a-zA-Z](?![a-zA-Z]))", r"\\sqrt\1{\2}"),
        (r"([\^_])\s*\{\s*(\w)\s*\}", r"\1\2"),
        (r"(?<![a-zA-Z\\])pi(?![a-zA-Z])", r"\\pi "),
        (r"(?<![a-zA-Z\\])(?:infinity|infty)(?![a-zA-Z])", r"\\infty "),
        (r"(?<![a-zA-Z\\])(sin|cos|tan|log|ln|exp)(?=\s*[({\d^_]|\s?[a-z](?![a-z]))", r"\\\1"),
        (r"\*\*", "^"),
        (r"(?<![*\\])\*(?!\*)", r"\\cdot "),
    )
)


def plain(answer: str) -> str:
    r"""On one line, without marks of where a formula starts and ends, and with one way to write each sign.

    An amount of money becomes a number and a unit. A text longer than `LONGEST` is only put on one line.

    >>> [plain(text) for text in ("２½", "7 × 10⁻³", r"\$1{,}250", r"5\text{ m}", r"$\tfrac12$.")]
    ['2 1/2', '7 \\times 10^{-3}', '1,250 dollars', '5 meter', '\\frac{1}{2}']
    """
    text = _one_line(answer)
    if len(text) > LONGEST:
        return text
    text = _PUNCTUATION.sub(r"\1", _THOUSANDS.sub(",", text))
    text = _FORMULA.sub(r" \1 ", _DELIMITERS.sub(" ", text))
    text = _DOLLARS.sub(r"\g<minus>\g<number> dollars ", text)
    text = _MONEY.sub(lambda m: f"{m['number']} {UNITS[m['sign']]}", text).replace("$", " ")
    text = "".join(_ascii(text))
    while (shorter := _TEXT.sub(_unwrapped, text)) != text:
        text = shorter
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = _one_line(text)
    return re.sub(r"(?<=[^.\s])\s*(?:\.|,|;)$", "", text)


def _unwrapped(text: re.Match[str]) -> str:
    behind_a_number = re.search(r"[\d)}]\s*$", text.string[max(0, text.start() - 9) : text.start()])
    return f" {spelled_out(text[1]) if behind_a_number else text[1]} "


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _ascii(text: str) -> str:
    text = _RAISED.sub(lambda m: f"^{{{m[0].translate(_SUPERSCRIPTS)}}}", text)
    text = _LOWERED.sub(lambda m: f"_{{{m[0].translate(_SUBSCRIPTS)}}}", text)
    return "".join(map(_character, text, " " + text))


def _character(now: str, before: str) -> str:
    if now.isascii():
        return now
    if now in _SYMBOLS:
        return _SYMBOLS[now]
    if now in "€£¥₹":
        return now
    digit = unicodedata.decimal(now, None)
    if digit is not None:
        return str(digit)
    simple = unicodedata.normalize("NFKC", now)
    if "⁄" in simple:  # ½, and 2½ is not 21/2
        return (" " if before.isdecimal() else "") + simple.replace("⁄", "/")
    return simple
