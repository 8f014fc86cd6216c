"""What models learn and forecast from: panels of daily candles, closes, features, windows and their snapshots."""
