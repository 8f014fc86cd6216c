# pragma version ~=0.4.0
"""
Stands in for Multicall3: many reads in one, each allowed to fail.
"""

struct Read:
    target: address
    allow_failure: bool
    data: Bytes[384]

struct Answer:
    success: bool
    data: Bytes[1024]

@external
@payable
def aggregate3(reads: DynArray[Read, 501]) -> DynArray[Answer, 501]:
    answers: DynArray[Answer, 501] = []
    for each: Read in reads:
        success: bool = False
        data: Bytes[1024] = b""
        success, data = raw_call(
            each.target, each.data, max_outsize=1024, is_static_call=True, revert_on_failure=False
        )
        answers.append(Answer(success=success, data=data))
    return answers

@external
@view
def getEthBalance(owner: address) -> uint256:
    return owner.balance
