# pragma version ~=0.4.0
"""
A wallet that is a contract: it approves what its keeper approved before (EIP-1271).
"""

approved: HashMap[bytes32, bool]

@external
def approve(digest: bytes32):
    self.approved[digest] = True

@external
@view
def isValidSignature(digest: bytes32, signature: Bytes[4096]) -> bytes4:
    return 0x1626ba7e if self.approved[digest] else 0xffffffff
