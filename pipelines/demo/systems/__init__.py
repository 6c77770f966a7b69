"""The bank's further systems, a module each: what they deliver of the same people, firms and loans as core banking."""
