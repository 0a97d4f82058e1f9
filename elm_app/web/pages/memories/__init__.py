"""The Memories tab (`panel`): its HTML (`template`), the list (`listing`), and all about one memory (`card`)."""
