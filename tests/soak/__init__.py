"""Mixed work for a set time under faults and expiring credentials, then a check of every byte: ``make soak``."""
