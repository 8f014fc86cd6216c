"""The audit log: who did what to what, when and from where.

`events` names the acts. `chain` writes and reads the entries, `masking` takes secrets out of them. `anchoring` notes the
chain's end outside the database. `verification` checks both, and `hourly` is the job that does so.
"""
