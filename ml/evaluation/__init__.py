"""How good a model is: walk-forward, held-out scores, comparison, conformal calibration, gates and plots."""
