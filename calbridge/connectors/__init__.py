"""All that a plugin may know: the contract, and what every connector shares."""
