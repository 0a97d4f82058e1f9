"""Command-line options of the settings: one for every field of a settings dataclass."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import Field, fields
from typing import Any, get_args

from elm_app.core import config

ABOUT_SAMPLING = {
    "samples": "k, how many traces",
    "max_new_tokens": "where a trace is cut off",
    "temperature": "0 is greedy",
    "top_k": "sample among the k likeliest tokens; 0 is the whole vocabulary",
    "seed": "same seed, same traces (default: a random one, which is shown)",
}
ABOUT_LEARNING = {
    "recipe": "distil: likelihood of traces written with a majority trace in view; paper: rewarded by the vote",
    "form": "a soft prompt, or a prefix: keys and values in every layer",
    "steps": "gradient steps at most",
    "variants": "of distil: variants of the problem with other numbers and names",
    "variant_traces": "of distil: traces of each variant",
    "lessons": "of distil: learn all these traces, or those that agree about their variant",
    "rollouts": "of paper: k, rollouts of a step",
    "updates": "of paper: steps of AdamW from one batch of rollouts",
    "virtual_tokens": "P, length of the soft prompt or prefix",
    "learning_rate": "of AdamW",
    "temperature": "of the rollouts",
    "max_new_tokens": "where a rollout is cut off",
    "init": "start from the worked example (distil only), from a text, or from random rows of the vocabulary",
    "loss": "of paper: dr_grpo, or the published formula",
    "reward": "of paper: majority of each step's rollouts; the vote before learning; the others are for comparison",
    "min_agreement": "least share of the traces that a majority needs to be learned from",
    "clip_norm": "the gradient's norm is cut to this",
    "norm_cap": "longest virtual token, in mean lengths of a word's embedding; 0 is no cap",
    "measure_samples": "fresh samples before and after",
    "measure_temperature": "of these",
    "keep": "store the memory enabled even if it does not help",
    "seed": "same seed, same memory (default: a random one, which is shown)",
}
ABOUT_ROUTING = {
    "memory": "auto: the nearest memory, if it is near enough; off; or the id of one",
    "retrieval": "found by the problem's embedding, by the model's own keys, or by both",
    "rank": "by similarity, or by similarity and credit",
    "top_n": "so many memories, if they are near enough (experimental above 1)",
    "compose": "more than one: each in an arm of its own, or joined to one longer soft prompt",
    "verifier": "who decides if the answers without and with memories differ",
    "prm": "process reward model for --verifier prm, a hub id or a folder",
    "threshold": "least similarity at which a memory is used (default: as measured; -1 is always the nearest)",
}
_CHOICES = {
    "recipe": config.Recipe, "form": config.Form, "lessons": config.Lessons,
    "init": config.Init, "loss": config.Loss, "reward": config.Reward, "retrieval": config.Retrieval,
    "rank": config.Rank, "compose": config.Compose, "verifier": config.Verifier,
}  # fmt: skip


def add_options(
    parser: argparse.ArgumentParser,
    kind: type[Any],
    about: dict[str, str],
    without: Sequence[str] = (),
    recipe: config.Recipe = config.LearnSettings.recipe,
) -> None:
    """An option for every field of a settings dataclass; those that are not given keep their default, of `recipe`
    first, if the dataclass is that of learning."""
    for field in fields(kind):
        if field.name in without:
            continue
        flags = ["--" + field.name.replace("_", "-")] + (["--lr"] if field.name == "learning_rate" else [])
        default = "" if field.name in ("seed", "keep", "threshold") else f" (default: {_default(kind, field, recipe)})"
        if field.name == "keep":
            parser.add_argument(*flags, action="store_true", default=None, help=about[field.name])
        elif field.name in _CHOICES:
            choices = get_args(_CHOICES[field.name])
            parser.add_argument(*flags, choices=choices, help=about[field.name] + default)
        else:
            kind_of = {"seed": int, "threshold": float}.get(field.name, type(field.default))
            parser.add_argument(*flags, type=kind_of, help=about[field.name] + default)


def _default(kind: type[Any], field: Field[Any], recipe: config.Recipe) -> str:
    """In words, where it depends on the recipe of learning for each of them."""
    if kind is not config.LearnSettings or field.name == "recipe":
        return recipe if field.name == "recipe" else str(field.default)
    recipes = [recipe, *(one for one in get_args(config.Recipe) if one != recipe)]
    mine, *others = (getattr(config.LearnSettings.by_recipe(recipe=one, seed=0), field.name) for one in recipes)
    told = [f"{one} {value}" for one, value in zip(recipes[1:], others, strict=True) if value != mine]
    return ", ".join([str(mine), *told])


def given(options: argparse.Namespace, kind: type[Any]) -> dict[str, Any]:
    """The fields of a settings dataclass that were given on the command line."""
    found = {field.name: getattr(options, field.name, None) for field in fields(kind)}
    return {name: value for name, value in found.items() if value is not None}
