"""The Stream tab (`panel`): its HTML (`template`), its numbers and ledger (`ledger`), the problem that goes on
(`current_problem`)."""
