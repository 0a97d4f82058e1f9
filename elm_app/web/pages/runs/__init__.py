"""The Runs tab: the list of earlier runs (`history`)."""
