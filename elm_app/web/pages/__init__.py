"""A folder a tab. Pages never import each other: what they share is in `components` and `run`."""
