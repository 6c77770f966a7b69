"""What a party was as of a date: windows, months, balances and debts, from what was known by then."""
