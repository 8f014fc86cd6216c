"""The forecasting models, one file each, and how each is written to files and loaded from them."""
