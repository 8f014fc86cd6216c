"""What happened: transactions as facts, their double entries, and the transfers of which two are one."""
