"""The templates, one file a topic: three families to develop on and three held out in each."""
