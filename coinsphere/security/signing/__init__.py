"""Keys that sign access tokens, and their rotation without a refused request.

Each key is bound to one algorithm and to times, decided in one step when it is made::

    published ──(JWKS max-age)──► signs ──(next rotation)──► retired ──(last token + skew)──► expired
      next                        active

So nothing has to happen on time: every process reads the same times and takes the same key at the same instant, and a
verifier elsewhere that caches the JWKS for its max-age knows a key before the first token is signed with it. The times
stand in `keyring.json` beside the PEM files; processes look at that file on each use and need no restart.
"""
