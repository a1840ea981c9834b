"""Accounts, passwords, API tokens and sign-ins: who a request comes from, and what they may do."""
