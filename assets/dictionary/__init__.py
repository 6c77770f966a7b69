"""The data dictionary: a bank's contracts, the model and the products as pages that need nothing from outside."""
