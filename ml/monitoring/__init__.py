"""What becomes of issued forecasts: the prediction log, accuracy, drift, promotion, reproduction and alarms."""
