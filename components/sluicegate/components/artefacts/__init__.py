"""What steps hand to each other: tables, the trained model's directory, the user's code, and where bundles lie."""
