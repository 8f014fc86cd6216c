"""What a portfolio is worth: closes, reference rates, the values of each day and those of now."""
