"""Experiments on memories: families of problems, recipes, and the ladder that tells what a recipe is worth."""
