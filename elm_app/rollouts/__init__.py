"""From tokens to traces and votes, as events."""
