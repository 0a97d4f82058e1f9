"""How traces announce their answer, in the languages that most people speak."""

from __future__ import annotations

import re

_TO_ITS_VERB = r"[^.\n:=?]{0,60}?"
ANNOUNCED = re.compile(
    rf"""
    ^[ \t]{{0,8}}\#{{4}}[ \t]{{1,8}}(?=\S+[ \t]*$)                                  # "#### 72"
    | ^[ \t]{{0,8}}[\#*]{{0,8}}[ \t]{{0,8}}(?:final[ ])?answer[ \t*:]{{0,8}}$       # a heading of its own
    | \banswers?\b{_TO_ITS_VERB}(?:\s(?:is|are)\b|[:=])                             # "the answer … is"
    | \b(?:respuestas?|respostas?|risposta|réponses?)\b{_TO_ITS_VERB}(?:\s(?:es|son|é|è|são|est|sont)\b|[:=])
    | \b(?:antwort|jawaban(?:nya)?|cevap|odpowiedź)\b{_TO_ITS_VERB}(?:\s(?:ist|lautet|adalah|ialah|to)\b|[:=])
    | \bответ\b{_TO_ITS_VERB}(?:\s(?:равен|это|будет)\b|[:=—–])
    | 答案[^。\n:：=]{{0,12}}?(?:是|为|為|[:：=]) | 答え[^。\n:：]{{0,8}}?(?:は|[:：]) | (?:정답|답)[은는이]?[ ]?[:：]?
    | उत्तर(?:[ ](?:यह|है|होगा)){{0,2}}[ ]?[:：]? | উত্তর(?:টি)?(?:[ ](?:হল|হলো|হচ্ছে)){{0,2}}[ ]?[:：]?
    | (?:الجواب|الإجابة|الاجابة)(?:[ ]النهائية?)?(?:[ ](?:هو|هي))?[ ]?[:：]? | جواب(?:[ ](?:ہے|یہ)){{0,2}}[ ]?[:：]?
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
"""A phrase behind which the answer stands."""

FILLER = re.compile(
    r"(?:```[a-z]*\n|[\s:：=*_`]|(?:therefore|thus|hence|simply|just|exactly|approximately|about|roughly|equal to"
    r"|given by|option|now|actually|as follows)\b,?)*",
    re.IGNORECASE,
)
"""What may stand between the phrase and the answer."""

SENTENCE_END = re.compile(
    r"[.?!](?=\s+[A-Z\\$]|\s*$)|[。।۔]|[,;]?\s(?:because|since|which|where|so|rather than|instead of|and not|not)\b"
    r"|(?<=\S)\s+\((?=[^()\\]{0,80}[a-z]{3,})|\s(?:porque|ya que|car|parce que|weil|потому)\b"
    r"|\s?(?:है|हैं|होगा|です|হবে|ہے|입니다)(?!\w)"
)
"""What ends the answer; a reason in brackets does, a point (2, 3) does not."""
