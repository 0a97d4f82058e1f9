"""LaTeX to MathML that is safe to put into a page.

latex2mathml builds the tree, but writes it without escaping and passes on `href` and `style`. So the tree is written
here: known elements and attributes only, every text escaped. What cannot be converted is `None`, and stands as text.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from xml.etree.ElementTree import Element

LONGEST = 2000
"""Characters of one formula; a longer one stays text."""

_ELEMENTS = re.compile(
    "math|m(row|i|n|o|text|space|frac|sqrt|root|sub|sup|subsup|under|over|underover|table|tr|td|style|enclose|padded"
    "|phantom|multiscripts|prescripts)|none"
)
_ATTRIBUTES = {
    "display": r"block|inline",
    "displaystyle": r"true|false",
    "scriptlevel": r"[+-]?\d",
    "mathvariant": r"[a-z-]+",
    "stretchy": r"true|false",
    "fence": r"true|false",
    "form": r"prefix|infix|postfix",
    "accent": r"true|false",
    "movablelimits": r"true|false",
    "linethickness": r"[\d.]+(px|em|pt)?",
    "notation": r"[a-z ]+",
    "columnalign": r"[a-z ]+",
    "columnspacing": r"[\d. a-z]+",
    "rowspacing": r"[\d. a-z]+",
    "columnlines": r"[a-z ]+",
    "width": r"-?[\d.]+em",
    "minsize": r"[\d.]+em",
    "maxsize": r"[\d.]+em",
}
_NAMES = {r"\dfrac": r"\frac", r"\tfrac": r"\frac", r"\lt": "<", r"\gt": ">", r"\displaystyle": ""}
_NAME = re.compile("|".join(re.escape(name) + r"(?![a-zA-Z])" for name in _NAMES))
_ENVIRONMENT = re.compile(r"\\(begin|end)\{(aligned|gathered|gather\*?|eqnarray\*?|equation\*?|split)\}")
_UNKNOWN = re.compile(r"\\[a-zA-Z]|&")


@lru_cache(maxsize=4096)
def mathml(latex: str, display: bool = False) -> str | None:
    r"""A formula as MathML, or None if it is not one.

    >>> mathml("x<2")
    '<math display="inline"><mrow><mi>x</mi><mo>&lt;</mo><mn>2</mn></mrow></math>'
    >>> mathml(r"\frac{1}{") is None
    True
    """
    source = _ENVIRONMENT.sub(_environment, latex.strip())
    source = _NAME.sub(lambda found: _NAMES[found[0]], source)
    if not source or len(source) > LONGEST:
        return None
    from latex2mathml.converter import convert_to_element

    try:
        tree = convert_to_element(source, display="block" if display else "inline")
        return _write(tree)
    except Exception:  # the converter raises a different kind for every kind of broken LaTeX
        return None


def _environment(found: re.Match[str]) -> str:
    return "" if found[2].startswith("equation") else f"\\{found[1]}{{align*}}"


def _write(node: Element) -> str:
    tag = node.tag.rsplit("}", 1)[-1]
    children = "".join(_write(child) for child in node)
    if not _ELEMENTS.fullmatch(tag):
        return f"<mrow>{children}{_text(node.text)}</mrow>"
    text = _text(node.text)
    if tag == "mtext":
        text = text.replace(" ", "\u00a0")  # MathML drops spaces at the ends
    elif _UNKNOWN.search(html.unescape(node.text or "")) and node.text not in ("&", "&#x00026;"):
        raise ValueError(f"unknown command {node.text}")
    attributes = "".join(
        f' {name}="{value}"'
        for name, value in node.attrib.items()
        if (pattern := _ATTRIBUTES.get(name)) and re.fullmatch(pattern, value)
    )
    return f"<{tag}{attributes}>{text}{children}</{tag}>"


def _text(text: str | None) -> str:
    return html.escape(html.unescape(text)) if text else ""
