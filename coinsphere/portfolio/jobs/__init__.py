"""Jobs of the worker and the pipeline that book and value what was invalidated."""
