"""Who meets whom, and the money: accounts, catalogue, ledger, wallet, payments."""
