"""What the worker and the pipeline do after a change: book and value what is invalidated."""
