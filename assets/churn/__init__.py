"""Churn: what leaving means, who may leave, and what was learned about it."""
