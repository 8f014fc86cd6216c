"""From a version to a forecast: the model server, the ladder of models, and the responses."""
