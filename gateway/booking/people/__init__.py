"""Who the people are: accounts, sign-in, what providers offer. Pure decisions; see the services."""
